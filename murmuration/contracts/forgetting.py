"""Forgetting: what is asked for at the door, what the steps pass, and the receipt."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Reference
from murmuration.contracts.goals import UserName
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import RunInput

MAX_DOCUMENTS = 100
"""As many as one filter of the search service names."""

Kind = Literal["user", "session", "documents", "run", "tenant"]
KINDS = ("documents", "session", "run", "everything", "user")

Source = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$", strip_whitespace=True)
]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class SessionRequest(Contract):
    """A conversation, by the names that its goals were posted with."""

    id: Name
    user: UserName = ""


class ForgetRequest(Contract):
    """The body of `POST /api/forget`: exactly one of user, session, documents, run and everything."""

    documents: Annotated[list[Source] | None, Field(min_length=1, max_length=MAX_DOCUMENTS)] = None
    """Sources, as they were read. With `user`, that user's own; everybody's otherwise."""
    session: SessionRequest | None = None
    run: RunId | None = None
    everything: Literal[True] | None = None
    """All that is kept of the tenant."""
    user: Name | None = None
    confirm: Annotated[str | None, Field(validate_default=True)] = None
    """Beside `everything`: the tenant's name once more."""

    @field_validator("session", "run", "everything", "user")
    @classmethod
    def _alone(cls, value: Any, info: ValidationInfo) -> Any:
        others = [kind for kind in KINDS if info.data.get(kind) is not None]
        if value is None or not others or (info.field_name == "user" and others == ["documents"]):
            return value
        raise ValueError(f"is given beside {others[0]}: give one of them")

    @field_validator("confirm")
    @classmethod
    def _confirms_everything(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "everything" not in info.data:
            return value
        if info.data["everything"] and value is None:
            raise ValueError("is missing: repeat the tenant's name")
        if not info.data["everything"] and value is not None:
            raise ValueError("belongs to everything, which is not given")
        return value

    @model_validator(mode="after")
    def _something(self) -> "ForgetRequest":
        if all(getattr(self, kind) is None for kind in KINDS):
            raise ValueError("give one of user, session, documents, run and everything")
        return self


class Subject(Contract):
    """What is to be forgotten, by keys alone."""

    kind: Kind
    key: str
    """What the receipt calls it: a hash, or the id of a run."""
    owner: Owner
    """Whose; of a session and of documents, no user means everybody's."""
    session: str = ""
    run: str = ""
    sources: Reference | None = None
    """A `Sources` of the forgetting's own artifacts, which does not outlive it."""


class Sources(Contract):
    names: tuple[str, ...]


class VerificationPolicy(Contract):
    """How long is looked again, frozen into a run's input."""

    readings: int = 16
    """How often all is gone through at most."""
    settle_seconds: float = 10
    """After a reading that found nothing, until the one that settles it: longer than a written row stays unseen."""
    after_stop_seconds: float = 240
    """The same when runs were stopped: as long as a step that was under way then may take."""


class Forgetting(RunInput):
    """The input of `forget`."""

    subject: Subject
    verification: VerificationPolicy = VerificationPolicy()


class DeletionPage(Contract):
    """One page of going through all that may be kept of a subject."""

    subject: Subject
    after: str = ""
    """Where the page before has ended."""


class RowDeletionPage(DeletionPage):
    index: Literal["knowledge", "memory"]


class PageResult(Contract):
    found: int = 0
    """What was there, and was deleted."""
    waiting: int = 0
    """What can't be deleted yet: runs that have not ended."""
    after: str | None = None
    """Where the next page begins; None when there is none."""


class DeletionCounts(Contract):
    """How many different ones were deleted, by what they are, since the forgetting began."""

    rows: dict[str, int] = {}
    """By the name of the index; an index that held nothing is there with 0."""
    runs: int = 0
    stopped: int = 0
    """Runs that had not come to their own end."""
    artifacts: int = 0
    conversations: int = 0
    records: int = 0


class Receipt(Contract):
    """What was forgotten. It holds no name and no content, so it may be kept."""

    id: str
    """The run that forgot."""
    kind: Kind
    key: str
    deleted: DeletionCounts = DeletionCounts()
    read_back: int = 0
    """How often all was gone through again after the first time."""
    remains: dict[str, int] = {}
    """What the last reading still found, by where."""
    problems: tuple[str, ...] = ()
    """Codes of what could not be done in the last reading."""
    verified: bool
    """Nothing was found any more: when it was read back, and once again after a pause."""
    started: datetime
    finished: datetime
    sha256: str = ""
    """Over the receipt's canonical JSON without this field (`murmuration.policy.forgetting.digest`)."""
