"""Whose something is."""

from murmuration.contracts.base import Contract


class Owner(Contract):
    """Who may see a document, a memory or a run. From the caller, never from a model."""

    tenant: str
    user: str = ""
    """The key of the one person who may (`policy.tenancy.user_key`), not a name; empty: everybody of the tenant."""
