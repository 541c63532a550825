"""The owner of documents, memories and runs."""

from murmuration.contracts.base import Contract


class Owner(Contract):
    """The people who may see something: a tenant's, or one person. Set by code, never by a model."""

    tenant: str
    user: str = ""
    """The person's key (`murmuration.policy.tenancy.user_key`), not a name; empty: everybody of the tenant."""
