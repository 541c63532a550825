"""Checks the signature of a vote: workflows have no secrets."""

from murmuration.contracts.approvals import SignedVote, VerificationResult
from murmuration.policy.links import is_genuine
from murmuration.services.errors import GiveUp
from murmuration.services.settings import Settings


async def verify_vote(signed: SignedVote, settings: Settings) -> VerificationResult:
    """Safe to run twice: it only computes."""
    if settings.approval_secret is None:
        raise GiveUp("approvals_not_configured", "setting APPROVAL_SECRET is missing")
    return VerificationResult(valid=is_genuine(settings.approval_secret.get_secret_value(), signed.vote))
