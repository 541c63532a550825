"""Ownership by tenant: a run's id and an artifact's name begin with a key derived from the tenant.

Keys are hashes: they don't reveal the owner to anybody who does not know the name already.
"""

import hashlib


def tenant_key(tenant: str) -> str:
    """16 hexadecimal digits: they fit URLs, blob names and search keys."""
    return _key(16, tenant)


def user_key(tenant: str, user: str) -> str:
    """24 hexadecimal digits; empty for no user in particular."""
    return _key(24, tenant, user) if user else ""


def session_key(tenant: str, user: str, session: str) -> str:
    """24 hexadecimal digits; empty for no session. Two users' sessions of one name are different sessions."""
    return _key(24, tenant, user, session) if session else ""


def run_id(tenant: str, name: str) -> str:
    """The id of the tenant's run `name`; the same name is the same run."""
    return f"{tenant_key(tenant)}-{_key(32, name)}"


def owns(tenant: str, run: str) -> bool:
    """Whether the run of this id belongs to the tenant."""
    return run.startswith(f"{tenant_key(tenant)}-")


def _key(digits: int, *names: str) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:digits]
