"""Signed links and votes: itsdangerous, with HMAC-SHA256 and a key of its own for each purpose.

A link says which approver may answer which panel of which gate about which text, and until when. It is good for one
answer: the gate takes no second one from the same approver. Nothing in it is random and no time of signing is in it, so
a step that runs twice makes the same link.
"""

import hashlib

from itsdangerous import BadData, Signer, base64_decode, base64_encode
from pydantic import AwareDatetime, ValidationError
from pydantic_core import PydanticSerializationError

from murmuration.contracts.approvals import Vote
from murmuration.contracts.base import Contract

MAX_LINK_CHARACTERS = 2_048


class Claims(Contract):
    """The contents of a link."""

    gate: str
    """The gate's id."""
    panel: int
    content_hash: str
    """The SHA-256 of the text to be approved."""
    approver: str
    expires: AwareDatetime


class LinkRefused(Exception):
    """The link was altered, cut off, or signed with another secret."""


def sign_link(secret: str, claims: Claims) -> str:
    """The last part of a link's URL: the claims, a dot and the signature, in URL-safe base64."""
    return _link_signer(secret).sign(base64_encode(claims.model_dump_json())).decode()


def read_link(secret: str, link: str) -> Claims:
    """The claims of a link; raises `LinkRefused`. The caller checks whether they have expired."""
    if len(link) > MAX_LINK_CHARACTERS or not link.isascii():
        raise LinkRefused("the link is incomplete or was altered")
    signer = _link_signer(secret)
    try:
        body = signer.unsign(link)
        # The last character of a signature has two spare bits: only the spelling that was signed is taken.
        if signer.sign(body).decode() != link:
            raise LinkRefused("the link is incomplete or was altered")
        return Claims.model_validate_json(base64_decode(body))
    except ValidationError as error:
        raise LinkRefused("the link was made by another version of the app") from error
    except BadData as error:
        raise LinkRefused("the link is incomplete or was altered") from error


def sign_vote(secret: str, vote: Vote) -> Vote:
    """The vote with its signature, which covers all other fields."""
    signature = _vote_signer(secret).get_signature(_unsigned(vote)).decode()
    return vote.model_copy(update={"signature": signature})


def is_genuine(secret: str, vote: Vote) -> bool:
    """Whether this app has signed the vote, and nobody has changed it since."""
    try:
        return _vote_signer(secret).verify_signature(_unsigned(vote), vote.signature)
    except PydanticSerializationError:  # a lone surrogate has no UTF-8, so that nobody can have signed it
        return False


def _unsigned(vote: Vote) -> str:
    return vote.model_dump_json(exclude={"signature"})


def _link_signer(secret: str) -> Signer:
    return Signer(secret, salt="murmuration.link", key_derivation="hmac", digest_method=hashlib.sha256)


def _vote_signer(secret: str) -> Signer:
    """Another salt than a link's: neither passes for the other."""
    return Signer(secret, salt="murmuration.vote", key_derivation="hmac", digest_method=hashlib.sha256)
