"""Was this vote made at our door? Checks its signature: orchestrators have no secrets."""

from murmuration.contracts.approvals import SignedVote, VerificationResult
from murmuration.policy.links import is_genuine
from murmuration.services.errors import GiveUp
from murmuration.services.settings import Settings


async def verify_vote(sealed: SignedVote, settings: Settings) -> VerificationResult:
    """Safe to run twice: it only computes."""
    if settings.approvals.secret is None:
        raise GiveUp("approvals_not_configured", "setting APPROVAL_SECRET is missing")
    return VerificationResult(valid=is_genuine(settings.approvals.secret, sealed.vote))
