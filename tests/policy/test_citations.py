"""Every marker points at a passage; every quote is the passage's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.passages import Passage
from murmuration.policy.citations import (
    MAX_QUOTE_CHARACTERS,
    check_markers,
    citations_of,
    cited_numbers,
    in_order_of_appearance,
    renumber,
)

PASSAGES = (
    Passage(id="a", source="a.md", title="A", heading="A > Queues", text="Queues hold items. A queue is bounded."),
    Passage(id="b", source="b.md", title="B", text="Locks guard state. They are not reentrant."),
)


def quote(answer: str, text: str) -> str:
    """The quote of the last citation in an answer that cites one passage."""
    return citations_of(answer, (Passage(id="x", source="x.md", text=text),) * 9)[-1].quote


def test_markers_that_point_at_nothing_are_removed_and_reported() -> None:
    text, problems = check_markers("Queues are bounded [1]. So are locks [7] [0].", PASSAGES)

    assert text == "Queues are bounded [1]. So are locks."
    assert problems == ("cites [7], which is none of the passages", "cites [0], which is none of the passages")


def test_a_text_with_valid_markers_is_left_as_it_is() -> None:
    text = "  Queues  are bounded [1] , and locks too [2]. "

    assert check_markers(text, PASSAGES) == (text, ())


def test_an_answer_without_markers_is_a_problem_when_there_were_passages() -> None:
    assert check_markers("All is well.", PASSAGES)[1] == ("cites no passage",)
    assert check_markers("All is well [3].", PASSAGES)[1][-1] == "cites no passage"
    assert check_markers("Nothing was found.", ())[1] == ()


def test_a_citation_quotes_the_sentence_it_rests_on() -> None:
    citations = citations_of("A queue is bounded [1]. Locks are not reentrant [2].", PASSAGES)

    assert [(citation.number, citation.source, citation.title, citation.quote) for citation in citations] == [
        (1, "a.md", "A > Queues", "A queue is bounded."),
        (2, "b.md", "B", "They are not reentrant."),
    ]


def test_markers_in_a_row_all_rest_on_the_statement_before_them() -> None:
    (_, _, third) = citations_of("Locks guard state [2]. A queue is bounded [1] [3].", (*PASSAGES, PASSAGES[0]))
    citations = citations_of("State is guarded [1]. They are not reentrant [1][2].", PASSAGES)

    assert third.quote == "A queue is bounded."
    assert citations[1].quote == "They are not reentrant."


def test_a_statement_goes_back_to_the_sentence_or_marker_before_it() -> None:
    text = "Alpha beta gamma. Delta epsilon zeta. Eta theta iota."

    assert quote("Alpha beta gamma. Delta epsilon zeta. [1]", text) == "Delta epsilon zeta."
    assert quote("Alpha beta gamma [1] and eta theta [2].", text) == "Eta theta iota."
    assert quote("iota [1][2]", text) == "Eta theta iota."


def test_a_number_is_cited_where_it_appears_first() -> None:
    assert quote("Delta epsilon [1]. Alpha beta [1].", "Alpha beta gamma. Delta epsilon zeta.") == "Delta epsilon zeta."


def test_the_sentence_that_shares_most_of_its_words_is_quoted_whatever_their_case() -> None:
    text = "Tea is hot and coffee is hot and milk is hot too. TEA IS HOT."

    assert quote("Tea is hot [1].", text) == "TEA IS HOT."


def test_a_quote_is_one_line_without_the_signs_of_a_list() -> None:
    assert quote("Delta epsilon [1].", "Alpha beta.\n\n- Delta\n  epsilon * zeta -\n\n* Eta") == "Delta epsilon * zeta"
    assert quote("Rays [1].", "- X rays X\n\n- Eta") == "X rays X"


def test_a_passage_without_sentences_is_quoted_whole() -> None:
    assert quote("Anything [1].", " - ") == "-"


@pytest.mark.parametrize("length", [299, 300])
def test_a_quote_of_up_to_three_hundred_characters_is_whole(length: int) -> None:
    assert quote("x [1]", "x" * length) == "x" * length


def test_a_longer_quote_is_cut_with_an_ellipsis() -> None:
    assert MAX_QUOTE_CHARACTERS == 300
    assert quote("x [1]", "x" * 301) == "x" * 299 + "…"
    assert quote("x [1]", "x" * 298 + " yyyy") == "x" * 298 + "…", "without a space before it"


def test_markers_are_renumbered_and_unknown_ones_left_out() -> None:
    assert renumber("One [3]. Two [1]. Three [2].", {3: 1, 1: 2}) == "One [1]. Two [2]. Three."


def test_the_space_of_a_removed_marker_is_removed_too() -> None:
    assert renumber("[9] One [9] two [9], three\t[9]; four [9]", {}) == "One two, three; four"


def test_numbers_come_once_in_order_of_appearance() -> None:
    assert cited_numbers("b [2] a [1] b [2] [1234] [12345] [x]") == (2, 1, 1234)


@given(st.text(alphabet="ab [0123456789].\n", max_size=200), st.text(min_size=1, max_size=2_000))
def test_no_answer_cites_anything_but_its_passages(answer: str, passage: str) -> None:
    passages = (Passage(id="x", source="x.md", text=passage),)

    text, _ = check_markers(answer, passages)
    citations = citations_of(text, passages)

    assert {citation.number for citation in citations} <= {1}
    for citation in citations:
        assert len(citation.quote) <= MAX_QUOTE_CHARACTERS
        assert citation.quote.rstrip("…").strip() in " ".join(passage.split())


def test_passages_come_in_the_order_in_which_the_text_cites_them() -> None:
    passages = [Passage(id=letter, source=letter, text="") for letter in "abcd"]

    text, ordered = in_order_of_appearance("One [3]. Two [1]. Three [3].", passages)

    assert text == "One [1]. Two [2]. Three [1]."
    assert [passage.id for passage in ordered] == ["c", "a", "b", "d"], "those that it does not cite come last"
