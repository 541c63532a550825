"""Finds the subject of a statement, by rules of English."""

import re

from murmuration.offline.text import content_stems

MAX_CHARACTERS = 300
"""Length of a sentence that can become a lesson."""
MAX_WORDS = 6
_STATEMENT = re.compile(
    r"^(?P<subject>[\w'-]+(?: [\w'-]+){0,7}?)"
    r" (?P<verb>(?:is|are|was|were|has|have|needs?|takes?|must|should|can|cannot|may|costs?|requires?|lasts?|holds?"
    r"|contains?|opens?|closes?|ends?|begins?|returns?|raises?|means?|steeps?|weighs?)(?: not)?(?: be)?)"
    r" (?P<rest>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_TO_BE = re.compile(r"^(?:is|are|was|were|must|should|can|cannot|may)\b", re.IGNORECASE)
_NO_SUBJECT = re.compile(
    r"^(?:it|he|she|they|this|that|these|those|there|here|i|we|you|one|some|such|so|both|each|all|many|most|another"
    r"|others?|not|and|but|or|if|when|while|as|because|since|although|for|in|on|at|by|to|from|with|without|after"
    r"|before|see|note|also|then|however|thus|instead)\b"
    r"|\b(?:that|which|who|whose|where|when|if|because|it|its|they|their|them|this|these)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[`<>{}=|\\]|\w\(|::|>>>|\.\.\.|https?:")
_CUT = re.compile(
    r"\s+(?:for|in|on|at|by|to|from|with|without|after|before|until|every|as|over|than|and|or|when|if|because|instead"
    r"|rather|not|only|within|during|of)\b|\s+\d|[,;:.!?(]",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?|our|my)\s+", re.IGNORECASE)
_PARTICIPLE = re.compile(r"(?:be )?(?P<word>\w+ed|kept|made|done|sent|written|held|paid|found|given|taken|sold)\b")


def is_plain(sentence: str) -> bool:
    """Tell whether the sentence is a short statement in prose."""
    return len(sentence) <= MAX_CHARACTERS and not sentence.rstrip().endswith(("?", ":")) and not _CODE.search(sentence)


def about_statement(sentence: str) -> str:
    """Return "Letters kept" for "Letters are kept for two years."; empty when it names nothing recognisable."""
    match = _STATEMENT.match(sentence)
    if match is None or _NO_SUBJECT.search(match["subject"]):
        return ""
    subject = _ARTICLE.sub("", match["subject"])
    if not content_stems(subject):
        return ""
    # The needs and the cost of a thing are two subjects, so the verb is part of the subject, except "to be".
    word = (
        _PARTICIPLE.match(match["rest"]) if _TO_BE.match(match["verb"]) else re.match(r"(?P<word>\w+)", match["verb"])
    )
    words = [*subject.split(), *([word["word"]] if word else [])]
    return " ".join(words) if len(words) <= MAX_WORDS else ""


def about_activity(phrase: str) -> str:
    """Return "how to keep backups" for "keep backups for 30 days"; empty when it names nothing."""
    words = _named(phrase)[: MAX_WORDS - 2]
    return " ".join(("how", "to", *words)) if words else ""


def about_thing(phrase: str) -> str:
    """Return "kind of answers" for "short answers in German"; empty when it names nothing."""
    words = _named(phrase)
    return f"kind of {words[-1]}" if words else ""


def _named(phrase: str) -> list[str]:
    """Return the words before the first condition, number or comma; none when they name nothing."""
    words = _CUT.split(_ARTICLE.sub("", phrase), maxsplit=1)[0].split()
    return words if content_stems(" ".join(words)) else []
