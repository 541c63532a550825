"""Rewrites goals that point back in a conversation so that they stand alone, by rules of English.

"And black tea?" after "How long does green tea steep?" becomes "How long does black tea steep?"; in "How hot is its
water?" the tea replaces "its". A goal that stands alone stays as it is.
"""

import re
from collections.abc import Sequence

from murmuration.offline.parts import parts
from murmuration.offline.subjects import behind, subject_of, word_like
from murmuration.offline.text import content_stems

_OPENING = re.compile(r"^(?:(?:and|but|so|also|then|okay|what about|how about)\b[\s,]*)+", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|should|would|will|must|may|might)\b", re.IGNORECASE
)
_ASKED_OF = re.compile(r"^(?P<asked>how \w+) (?:for|of|in|with|about|on) (?P<subject>.+)$", re.IGNORECASE)
_SENTENCE = re.compile(
    rf"{_VERB.pattern}|^(?:what|which|who|whose|when|where|why|how)\b|\b(?:it|they|them|this|that|these|those)\b",
    re.IGNORECASE,
)
"""Words that make a sentence; a fragment such as "and black tea" has none."""
_BARE = re.compile(r"^how \w+$", re.IGNORECASE)
_BEFORE_NAME = re.compile(r"^(?:(?:for|of|in|with|about|on|at|to|from|the|a|an)\s+)+", re.IGNORECASE)
_THING = re.compile(
    r"\b(?:it|they|them)(?!['\w])|\b(?:this|these|those|that)(?=\W*$)|\b(?:this|these|those)(?= (?:is|are|do|does)\b)",
    re.IGNORECASE,
)
_OWNER = re.compile(r"\b(?:its|their)\b", re.IGNORECASE)
_NO_THING = re.compile(r"\b(?:is|was|does) it (?:\w+ ){1,2}(?:to|that|if)\b", re.IGNORECASE)
"""The empty "it" of "is it safe to"."""
_CLAUSE = re.compile(r"[,;:]|\band\b|\bthen\b", re.IGNORECASE)
_END = " \t\n?!.,;"


def standing(goal: str, before: Sequence[str]) -> str:
    """Return the goal as it would be asked outside the conversation; `before` are its earlier goals, in order."""
    meant = ""
    for turn in (*before, goal):
        if turn.strip():
            meant = _standing(turn, parts(meant)[-1][0]) if meant else turn
    return meant


def _standing(goal: str, last: str) -> str:
    """Rewrite one goal after `last`, the previous question, which stands alone."""
    rest = _OPENING.sub("", goal)
    plain = rest.strip(_END)
    if not content_stems(plain) or _BARE.match(plain):
        return f"{plain or goal.strip(_END)}: {last}"
    asked_of = _ASKED_OF.match(plain)
    if asked_of and not _VERB.search(plain):
        same = last.casefold().startswith(asked_of["asked"].casefold())
        return _instead(last, asked_of["subject"]) if same else f"{plain}: {last}"
    if rest != goal and not _SENTENCE.search(plain):
        return _instead(last, plain)
    subject = subject_of(last)
    return _named(rest, last[subject.start : subject.end]) or goal if subject else goal


def _named(goal: str, subject: str) -> str | None:
    """Put the subject for the pronoun of the first clause; later pronouns refer to what the goal itself names."""
    clause = _CLAUSE.split(goal, maxsplit=1)[0]
    thing, owner = _THING.search(clause), _OWNER.search(clause)
    if thing and not _NO_THING.search(clause):
        return f"{goal[: thing.start()]}{subject}{goal[thing.end() :]}"
    if owner and len(content_stems(clause[: owner.start()])) < 2:
        return f"{goal[: owner.start()]}{subject}'s{goal[owner.end() :]}"
    return None


def _instead(last: str, fragment: str) -> str:
    """Ask the last question of what the fragment names, in place of a thing of its kind or of the subject."""
    named = _BEFORE_NAME.match(fragment)
    name = fragment[named.end() :] if named else fragment
    place = word_like(last, name) or (behind(last, named[0].split()[0]) if named else None) or subject_of(last)
    return f"{last[: place.start]}{name}{last[place.end :]}" if place else f"{name}: {last}"
