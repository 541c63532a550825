"""References in instructions: `${t1.answer}`, `${t1.items}` and `${item}`."""

import re
from collections.abc import Iterator, Mapping

ITEM = "item"
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")


def references(text: str) -> Iterator[str]:
    """What stands between `${` and `}`, in order."""
    for found in _REFERENCE.finditer(text):
        yield found[1].strip()


def task_of(reference: str) -> str:
    """`t1` of `t1.answer`."""
    return reference.partition(".")[0]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with each reference that `values` knows replaced; what is put in is not looked at again."""
    return _REFERENCE.sub(lambda found: values.get(found[1].strip(), found[0]), text)
