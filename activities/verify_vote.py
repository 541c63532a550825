"""Was this vote made at our door? Checks its seal: orchestrators have no secrets."""

from contracts.approvals import Genuine, Sealed
from policy.links import is_genuine
from services.errors import GiveUp
from services.settings import Settings


async def verify_vote(sealed: Sealed, settings: Settings) -> Genuine:
    """Safe to run twice: it only computes."""
    if settings.approvals.secret is None:
        raise GiveUp("approvals_not_configured", "setting APPROVAL_SECRET is missing")
    return Genuine(genuine=is_genuine(settings.approvals.secret, sealed.vote))
