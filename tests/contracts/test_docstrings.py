"""Every contract says what it is."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel

import murmuration.contracts

MODULES = [
    import_module(module.name) for module in iter_modules(murmuration.contracts.__path__, "murmuration.contracts.")
]
CONTRACTS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_contract_has_a_docstring_of_its_own(contract: type[BaseModel]) -> None:
    assert vars(contract)["__doc__"]
