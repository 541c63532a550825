"""Finds names that are probably misspelt settings."""

from collections.abc import Iterable
from difflib import get_close_matches

from murmuration.services.setting_source import MODEL_ENDPOINT
from murmuration.services.settings import Settings

MISSPELT_RATIO = 0.85
"""How alike a name and a setting's are, from 0 to 1, for the name to count as misspelt."""
_NAMES = frozenset(name.upper() for name in Settings.model_fields) - {"MODEL_ENDPOINT"}


def misspelt_settings(names: Iterable[str]) -> dict[str, str]:
    """Return the names that are probably misspelt settings, with the settings that they look like.

    A name can't be known to be wrong: the environment holds other programs' variables, too.
    """
    others = sorted(name for name in names if name not in _NAMES and not MODEL_ENDPOINT.fullmatch(name))
    matches = {name: get_close_matches(name, _NAMES, 1, MISSPELT_RATIO) for name in others}
    return {name: match[0] for name, match in matches.items() if match}
