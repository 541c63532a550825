"""Who owns what. An instance id and an artifact's name begin with a key derived from the tenant."""

import hashlib


def tenant_key(tenant: str) -> str:
    """16 hexadecimal digits: they don't tell the tenant's name, and fit URLs, blob names and search keys."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:16]


def run_id(tenant: str, name: str) -> str:
    """The id of the tenant's run `name`; the same name is the same run."""
    return f"{tenant_key(tenant)}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def owns(tenant: str, owned: str) -> bool:
    """Whether a run or an artifact of this name belongs to `tenant`."""
    return owned.startswith((f"{tenant_key(tenant)}-", f"{tenant_key(tenant)}/"))
