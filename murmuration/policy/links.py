"""Signed links and sealed votes: HMAC-SHA256 over what they say, with the app's secret.

A link says who may answer which panel of which gate about what, and until when. It is good for one answer: the gate
takes no second one from the same approver. Signing is pure, so an activity that runs twice makes the same link.
"""

import base64
import binascii
import hashlib
import hmac

from pydantic import AwareDatetime, ValidationError

from murmuration.contracts.approvals import Vote
from murmuration.contracts.base import Contract

MAX_LINK_CHARACTERS = 2_048


class Claims(Contract):
    """What a link says."""

    gate: str
    """Its id begins with the key of its tenant and with its run."""
    panel: int
    asked: str
    """The SHA-256 of what is to be approved."""
    approver: str
    expires: AwareDatetime


class LinkRefused(Exception):
    """The link was altered, cut off, or signed with another secret."""


def sign(secret: str, claims: Claims) -> str:
    """The link's last part: what it says, a dot, and the signature; both in URL-safe base64."""
    body = _encoded(claims.model_dump_json().encode())
    return f"{body}.{_signature(secret, 'link', body)}"


def read_link(secret: str, link: str) -> Claims:
    """What a link says; raises `LinkRefused`. Whether it has expired is the caller's to ask."""
    body, _, signature = link.partition(".")
    readable = link.isascii() and len(link) <= MAX_LINK_CHARACTERS
    if not (readable and hmac.compare_digest(signature, _signature(secret, "link", body))):
        raise LinkRefused("the link is incomplete or was altered")
    try:
        return Claims.model_validate_json(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValidationError, binascii.Error) as error:
        raise LinkRefused("the link is of a version that is not known here") from error


def sign_vote(secret: str, vote: Vote) -> Vote:
    """The vote with its seal."""
    return vote.model_copy(update={"signature": _vote_signature(secret, vote)})


def is_genuine(secret: str, vote: Vote) -> bool:
    """Whether this app has sealed the vote, and nobody has changed it since."""
    return hmac.compare_digest(vote.signature.encode(), _vote_signature(secret, vote).encode())


def _vote_signature(secret: str, vote: Vote) -> str:
    return _signature(secret, "vote", vote.model_dump_json(exclude={"signature"}))


def _signature(secret: str, purpose: str, body: str) -> str:
    """`purpose` keeps a link from passing as a vote, and the reverse."""
    return _encoded(hmac.digest(secret.encode(), f"{purpose}\0{body}".encode(), hashlib.sha256))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
