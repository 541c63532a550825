"""The settings and the clients of this process, made when they are first used; and misspelt settings."""

import os
from functools import cache
from typing import TYPE_CHECKING

from murmuration.services.clients import Clients

if TYPE_CHECKING:
    from murmuration.services.settings import Settings


@cache
def current_settings(*, search: bool = False) -> "Settings":
    """Read the settings from the environment; raises `SettingsError`.

    `search`: whether those of the search service must be there. An app that only asks agents and people has none.
    """
    # pydantic-settings takes 0.02 s to load, which no cold start needs.
    from murmuration.services.identity.secrets import read_secret
    from murmuration.services.settings import settings_from

    return settings_from(os.environ, read_secret, search=search)


@cache
def current_clients() -> Clients:
    """Return the clients of this process; raises `SettingsError`."""
    return Clients(current_settings())


def in_development() -> bool:
    """Whether the Functions host says that this is a developer's machine, as Core Tools and `mur` do."""
    return os.environ.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development"


def misspelt_variables() -> list[str]:
    """Name every environment variable that looks like a misspelt setting, and the setting that it looks like."""
    from murmuration.services.misspelt_settings import misspelt_settings

    return [f"{name} is no setting; did you mean {setting}?" for name, setting in misspelt_settings(os.environ).items()]
