"""The check of the language reports planted violations, and nothing else."""

import pytest

from scripts.check_language import check
from scripts.old_terms import OLD_NAMES_BY_PLACE
from tests.services_on_loopback import ROOT

CLEAN = '''"""Splits documents."""

MAX_STATUS_BYTES = 16_384


def split(text: str) -> list[str]:
    """Split a text into lines."""
    # Status must stay below 16 KB, so titles are cut first.
    return [line for line in text.splitlines() if line]
'''


def test_plain_code_has_no_finding() -> None:
    assert list(check("murmuration/a.py", CLEAN)) == []


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("class Purse: ...", "'Purse' is an old term: say 'BudgetTracker'"),
        ("def keep_gate(): ...", "'keep_gate' is an old term: say 'approval_gate'"),
        ("def split(_ladder): ...", "'_ladder' is an old term: say 'search_modes'"),
        ("class Sent:\n    quiet_seconds: float", "'quiet_seconds' is an old term: say 'settle_seconds'"),
        ("self.withheld = True", "'withheld' is an old term"),
        ("all(each for each in rows)", "'each' is an old term"),
        ("from a import Ledger", "'Ledger' is an old term"),
        ("import a as ledger", "'ledger' is an old term"),
        ("send(wordings=())", "'wordings' is an old term"),
        ("call('embed_rows')", "'embed_rows' is an old term: say 'backfill_embeddings'"),
        ("match a:\n    case b as rung: ...", "'rung' is an old term"),
        ("try: ...\nexcept E as Gone: ...", "'Gone' is an old term"),
        ("MOST_TITLES = 5", "'MOST_TITLES' is a limit"),
        ("def test_what_is_wrong_is_named(): ...", "does not begin with its subject"),
        ('"""What a brace opens."""', "'What a brace opens.' does not begin with its subject"),
        ("x = 1\n'''Of one tenant.'''", "'Of one tenant.' does not begin with its subject"),
        ("# Who asks is answered.\n# And more.\nx = 1", "'Who asks is answered. And more.' does not begin"),
        ("x = 1  # checked at the door", "'at the door' is a private idiom"),
    ],
)
def test_a_violation_is_reported_once(code: str, finding: str) -> None:
    [reported] = check("murmuration/a.py", code)

    assert finding in reported
    assert reported.startswith("murmuration/a.py:")


def test_a_file_and_a_folder_with_an_old_name_are_reported() -> None:
    assert list(check("activities/knock.py", "")) == ["activities/knock.py: 'knock' is an old term"]
    assert list(check("murmuration/notices/mail.py", "")) == ["murmuration/notices/mail.py: 'notices' is an old term"]


def test_everyday_words_are_old_terms_only_where_the_old_thing_stood() -> None:
    code = "def enter(): ..."

    assert list(check("orchestrators/goal/run.py", code)) == [
        "orchestrators/goal/run.py:1: 'enter' is an old term: say 'set_stage'"
    ]
    assert list(check("murmuration/client/app_client.py", code)) == []


def test_documents_are_checked_for_idioms() -> None:
    assert list(check("docs/a.md", "# Runs\n\nA run knocks.")) == ["docs/a.md:3: 'knocks' is a private idiom"]


def test_every_place_of_an_everyday_word_exists() -> None:
    places = {place for places in OLD_NAMES_BY_PLACE for place in places}

    assert [place for place in sorted(places) if not list(ROOT.glob(f"{place}*" if place[-1] != "/" else place))] == []


def test_a_question_may_begin_with_a_question_word() -> None:
    assert list(check("murmuration/a.py", '"""What is deployed?"""')) == []
