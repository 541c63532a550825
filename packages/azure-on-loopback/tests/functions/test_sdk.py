"""The replacements for parts of the SDK return what the SDK's own code returns."""

import json
from typing import Any

import pytest
from azure.functions import _durable_functions as codec

from loopback.functions.apps import sdk


class Tea:
    def __init__(self, degrees: int) -> None:
        self.degrees = degrees

    @staticmethod
    def to_json(tea: "Tea") -> dict[str, int]:
        return {"degrees": tea.degrees}

    @staticmethod
    def from_json(data: dict[str, int]) -> "Tea":
        return Tea(**data)


@pytest.mark.filterwarnings("ignore:azure.functions Durable JSON codec:DeprecationWarning")
@pytest.mark.parametrize("escaped", [False, True])
def test_values_of_the_apps_own_classes_are_restored(escaped: bool) -> None:
    text = codec.df_dumps({"teas": [Tea(80)]})
    if escaped:
        text = text.replace("__class__", r"\u005f_class__")

    value: Any = sdk._loads(text, codec._deserialize_custom_object)

    assert [tea.degrees for tea in value["teas"]] == [80]


@pytest.mark.parametrize("text", ['{"a": [1, {"b": null}]}', b'{"a": 1}', '"__class__"', r'"\u00e9"'])
def test_other_values_are_read_as_json(text: str | bytes) -> None:
    assert sdk._loads(text, codec._deserialize_custom_object) == json.loads(text)
