"""Forgetting: the request, the inputs and results of the steps, and the receipt."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Reference
from murmuration.contracts.goals import UserName
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import RunInput

MAX_DOCUMENTS = 100
"""The most sources that one filter of the search service can name."""

Kind = Literal["user", "session", "documents", "run", "tenant"]
KINDS = ("documents", "session", "run", "everything", "user")

Source = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$", strip_whitespace=True)
]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class SessionRequest(Contract):
    """A conversation, by the names with which its goals were posted."""

    id: Name
    user: UserName = ""


class ForgetRequest(Contract):
    """The body of `POST /api/forget`: exactly one of user, session, documents, run and everything."""

    documents: Annotated[list[Source] | None, Field(min_length=1, max_length=MAX_DOCUMENTS)] = None
    """Sources, as they were read: the user's own with `user`, everybody's otherwise."""
    session: SessionRequest | None = None
    run: RunId | None = None
    everything: Literal[True] | None = None
    """All data of the tenant."""
    user: Name | None = None
    confirm: Annotated[str | None, Field(validate_default=True)] = None
    """The tenant's name once more; required with `everything`."""

    @field_validator("session", "run", "everything", "user")
    @classmethod
    def _alone(cls, value: Any, info: ValidationInfo) -> Any:
        others = [kind for kind in KINDS if info.data.get(kind) is not None]
        if value is None or not others or (info.field_name == "user" and others == ["documents"]):
            return value
        raise ValueError(f"stands beside {others[0]}: send one of them")

    @field_validator("confirm")
    @classmethod
    def _confirms_everything(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "everything" not in info.data:
            return value
        if info.data["everything"] and value is None:
            raise ValueError("is missing: repeat the tenant's name")
        if not info.data["everything"] and value is not None:
            raise ValueError("belongs to everything, which is missing")
        return value

    @model_validator(mode="after")
    def _something(self) -> "ForgetRequest":
        if all(getattr(self, kind) is None for kind in KINDS):
            raise ValueError("send one of user, session, documents, run and everything")
        return self


class Subject(Contract):
    """The subject of a forgetting, by keys alone: no name is recorded."""

    kind: Kind
    key: str
    """Its name in the receipt: a hash, or the id of a run."""
    owner: Owner
    """The owner of the data; for a session and for documents, no user means everybody's."""
    session: str = ""
    run: str = ""
    sources: Reference | None = None
    """A `Sources`; the artifact is deleted before the run ends."""


class Sources(Contract):
    """The artifact with the names of the documents to forget."""

    names: tuple[str, ...]


class VerificationPolicy(Contract):
    """Limits of reading back, frozen into a run's input."""

    passes: int = 16
    """The most passes through all data."""
    settle_seconds: float = 10
    """The pause after a pass that found nothing, before the one that confirms it: rows are visible by then."""
    after_stop_seconds: float = 240
    """The same pause after runs were stopped: as long as a step that was under way may take."""


class Forgetting(RunInput):
    """The input of `forget`."""

    subject: Subject
    verification: VerificationPolicy = VerificationPolicy()


class DeletionPage(Contract):
    """The input of a step that deletes one page of a subject's data."""

    subject: Subject
    after: str = ""
    """The end of the page before; empty: this is the first."""


class RowDeletionPage(DeletionPage):
    """The input of `forget_rows`."""

    index: Literal["knowledge", "memory"]


class PageResult(Contract):
    """The result of a step that deletes one page."""

    found: int = 0
    """How many things were there, and were deleted."""
    waiting: int = 0
    """How many runs can't be deleted yet, because they have not ended."""
    after: str | None = None
    """The `after` of the next page; None: this was the last."""


class DeletionCounts(Contract):
    """The result of `forget_count`: how many different things were deleted since the forgetting began."""

    rows: dict[str, int] = {}
    """Rows by index; 0 for an index that held nothing."""
    runs: int = 0
    stopped: int = 0
    """Runs that had not ended by themselves."""
    artifacts: int = 0
    conversations: int = 0
    records: int = 0


class Receipt(Contract):
    """The result of `forget`. It holds no name and no content, so it may be kept."""

    id: str
    """The run that forgot."""
    kind: Kind
    key: str
    deleted: DeletionCounts = DeletionCounts()
    read_back: int = 0
    """How many passes followed the first."""
    remains: dict[str, int] = {}
    """How many things the last pass still found, by kind."""
    problems: tuple[str, ...] = ()
    """Codes of what failed in the last pass."""
    verified: bool
    """Whether two passes, with a pause between, found nothing."""
    started: datetime
    finished: datetime
    sha256: str = ""
    """The hash of the receipt's canonical JSON without this field (`murmuration.policy.forgetting.digest`)."""
