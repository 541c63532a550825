"""Every marker points at a passage that was given; every quote is the passage's own words."""

from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.passages import Passage
from murmuration.policy.citations import QUOTE_CHARACTERS, check_markers, citations_of, cited, renumber

PASSAGES = (
    Passage(id="a", source="a.md", title="A", heading="A > Queues", text="Queues hold items. A queue is bounded."),
    Passage(id="b", source="b.md", title="B", text="Locks guard state. They are not reentrant."),
)


def test_markers_that_point_at_nothing_are_removed_and_reported() -> None:
    text, problems = check_markers("Queues are bounded [1]. So are locks [7].", PASSAGES)

    assert text == "Queues are bounded [1]. So are locks."
    assert problems == ("cites [7], which is none of the passages",)


def test_a_text_without_markers_is_a_problem_when_there_was_something_to_cite() -> None:
    assert check_markers("All is well.", PASSAGES)[1] == ("cites no passage",)
    assert check_markers("Nothing was found.", ())[1] == ()


def test_a_citation_quotes_the_sentence_it_rests_on() -> None:
    citations = citations_of("A queue is bounded [1]. Locks are not reentrant [2].", PASSAGES)

    assert [(citation.number, citation.source, citation.title, citation.quote) for citation in citations] == [
        (1, "a.md", "A > Queues", "A queue is bounded."),
        (2, "b.md", "B", "They are not reentrant."),
    ]


def test_markers_are_renumbered_and_unknown_ones_left_out() -> None:
    assert renumber("One [3]. Two [1]. Three [2].", {3: 1, 1: 2}) == "One [1]. Two [2]. Three."
    assert cited("b [2] a [1] b [2]") == (2, 1)


@given(st.text(alphabet="ab [0123456789].\n", max_size=200), st.text(min_size=1, max_size=2_000))
def test_no_answer_can_cite_what_was_not_given(answer: str, passage: str) -> None:
    given_passages = (Passage(id="x", source="x.md", text=passage),)

    text, _ = check_markers(answer, given_passages)
    citations = citations_of(text, given_passages)

    assert {citation.number for citation in citations} <= {1}
    for citation in citations:
        assert len(citation.quote) <= QUOTE_CHARACTERS
        assert citation.quote.rstrip("…").strip() in " ".join(passage.split())
