"""Every marker points at a passage; every quote is the passage's own words."""

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


def test_markers_that_point_at_nothing_are_removed_and_reported() -> None:
    text, problems = check_markers("Queues are bounded [1]. So are locks [7].", PASSAGES)

    assert text == "Queues are bounded [1]. So are locks."
    assert problems == ("cites [7], which is none of the passages",)


def test_an_answer_without_markers_is_a_problem_when_there_were_passages() -> None:
    assert check_markers("All is well.", PASSAGES)[1] == ("cites no passage",)
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


def test_markers_are_renumbered_and_unknown_ones_left_out() -> None:
    assert renumber("One [3]. Two [1]. Three [2].", {3: 1, 1: 2}) == "One [1]. Two [2]. Three."
    assert cited_numbers("b [2] a [1] b [2]") == (2, 1)


@given(st.text(alphabet="ab [0123456789].\n", max_size=200), st.text(min_size=1, max_size=2_000))
def test_no_answer_cites_anything_but_its_passages(answer: str, passage: str) -> None:
    passages = (Passage(id="x", source="x.md", text=passage),)

    text, _ = check_markers(answer, passages)
    citations = citations_of(text, passages)

    assert {citation.number for citation in citations} <= {1}
    for citation in citations:
        assert len(citation.quote) <= MAX_QUOTE_CHARACTERS
        assert citation.quote.rstrip("…").strip() in " ".join(passage.split())


def test_markers_and_passages_are_sorted_by_their_appearance_and_uncited_passages_come_last() -> None:
    third = Passage(id="c", source="c.md", title="C", text="Rings are round.")

    text, passages = in_order_of_appearance("Round [3]. Locked [2]. Round [3].", (*PASSAGES, third))

    assert text == "Round [1]. Locked [2]. Round [1]."
    assert [passage.id for passage in passages] == ["c", "b", "a"]
