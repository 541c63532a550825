"""Was this vote made at our door? Checks its seal: orchestrators have no secrets."""

from murmuration.contracts.approvals import Genuine, Sealed
from murmuration.policy.links import is_genuine
from murmuration.services.errors import GiveUp
from murmuration.services.settings import Settings


async def verify_vote(sealed: Sealed, settings: Settings) -> Genuine:
    """Safe to run twice: it only computes."""
    if settings.approvals.secret is None:
        raise GiveUp("approvals_not_configured", "setting APPROVAL_SECRET is missing")
    return Genuine(genuine=is_genuine(settings.approvals.secret, sealed.vote))
