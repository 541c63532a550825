"""References in instructions: `${t1.answer}`, `${t1.items}` and `${item}`."""

import re
from collections.abc import Iterator, Mapping

ITEM = "item"
_REFERENCE = re.compile(r"\$\{([^{}]*)\}")


def references(text: str) -> Iterator[str]:
    """Yield the text between each `${` and `}`, in order."""
    for match in _REFERENCE.finditer(text):
        yield match[1].strip()


def task_of(reference: str) -> str:
    """`t1` of `t1.answer`."""
    return reference.partition(".")[0]


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace each reference that `values` knows; references within the values stay as they are."""
    return _REFERENCE.sub(lambda match: values.get(match[1].strip(), match[0]), text)
