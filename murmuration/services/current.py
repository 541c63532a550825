"""The settings of this process, read when they are first used."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from murmuration.services.settings import Settings


@cache
def current_settings() -> "Settings":
    """Read the settings from the environment; raises `SettingsError`."""
    # pydantic-settings takes 0.02 s to load, which no cold start needs.
    from murmuration.services.identity.secrets import read_secret
    from murmuration.services.settings import settings_from

    return settings_from(os.environ, read_secret)
