"""Reads the settings from a mapping such as `os.environ`, and says in plain words what is wrong with them."""

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from murmuration.services.errors import SettingsError

ReadSecret = Callable[[str, str], str]
"""(vault URL, secret name) -> value."""
SECRET_PREFIX = "keyvault:"  # noqa: S105 - the mark of a reference, not a secret
MODEL_ENDPOINT = re.compile(r"MODEL_ENDPOINT_([A-Z][A-Z0-9_]*)_(URL|KEY)")


class EnvironmentSource(PydanticBaseSettingsSource):
    """A source of pydantic-settings: a blank value is no value, and `keyvault:NAME` is the secret NAME of the vault."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str], read_secret: ReadSecret) -> None:
        super().__init__(settings)
        self._environment = environment
        self._read_secret = read_secret

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - as declared
        value = self._model_endpoint() if field_name == "model_endpoint" else self._value(field_name.upper())
        return value, field_name, False

    def _model_endpoint(self) -> dict[str, dict[str, str]]:
        endpoints: dict[str, dict[str, str]] = {}
        for key in self._environment:
            if (match := MODEL_ENDPOINT.fullmatch(key)) and (value := self._value(key)):
                name, part = match.groups()
                endpoints.setdefault(name, {})[part.lower()] = value
        return endpoints

    def _value(self, key: str) -> str:
        value = self._environment.get(key, "").strip()
        if not value.startswith(SECRET_PREFIX):
            return value
        vault = self._environment.get("KEY_VAULT_URL", "").strip()
        if not vault:
            raise SettingsError(f"setting {key} is {value!r}, a reference into Key Vault, but KEY_VAULT_URL is missing")
        return self._read_secret(vault, value.removeprefix(SECRET_PREFIX))


def explain(error: ValidationError, settings: type[BaseSettings], environment: Mapping[str, str]) -> str:
    """Name every setting that is missing or malformed; quote its value, unless it is a secret."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(_explain(problem, settings, environment) for problem in problems)


def _explain(problem: ErrorDetails, settings: type[BaseSettings], environment: Mapping[str, str]) -> str:
    key = "_".join(str(part) for part in problem["loc"]).upper()
    if problem["type"] == "missing":
        return f"setting {key} is missing: see docs/settings.md"
    reason = problem["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    if is_secret(settings.model_fields[str(problem["loc"][0])]):
        return f"setting {key}: {reason}; its value is a secret and is not shown"
    return f"setting {key} is {environment[key].strip()!r}: {reason}"


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value may not be shown."""
    return SecretStr in get_args(field.annotation)
