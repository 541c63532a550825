"""What a sentence is about, without what it says of it. By rules of English."""

import re

from murmuration.offline.text import content_stems

LONGEST = 300
"""Characters of a sentence that can be kept."""
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
    """Whether it states something in prose, shortly."""
    return len(sentence) <= LONGEST and not sentence.rstrip().endswith(("?", ":")) and not _CODE.search(sentence)


def about_statement(sentence: str) -> str:
    """ "Letters kept" of "Letters are kept for two years."; empty when nothing is named that could be known again."""
    found = _STATEMENT.match(sentence)
    if found is None or _NO_SUBJECT.search(found["subject"]):
        return ""
    subject = _ARTICLE.sub("", found["subject"])
    if not content_stems(subject):
        return ""
    # What a thing needs and what it costs are two things to know: only what it is needs no word.
    word = (
        _PARTICIPLE.match(found["rest"]) if _TO_BE.match(found["verb"]) else re.match(r"(?P<word>\w+)", found["verb"])
    )
    words = [*subject.split(), *([word["word"]] if word else [])]
    return " ".join(words) if len(words) <= MAX_WORDS else ""


def about_activity(phrase: str) -> str:
    """ "how to keep backups" of "keep backups for 30 days"; empty when nothing is named."""
    words = _named(phrase)[: MAX_WORDS - 2]
    return " ".join(("how", "to", *words)) if words else ""


def about_thing(phrase: str) -> str:
    """ "kind of answers" of "short answers in German"; empty when nothing is named."""
    words = _named(phrase)
    return f"kind of {words[-1]}" if words else ""


def _named(phrase: str) -> list[str]:
    """The words before the first condition, number or comma; none when they name nothing."""
    words = _CUT.split(_ARTICLE.sub("", phrase), maxsplit=1)[0].split()
    return words if content_stems(" ".join(words)) else []
