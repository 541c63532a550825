"""The passages that an agent gets to read: the best, without repetitions, within the budget."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.passages import Passage
from murmuration.policy.passages import estimated_tokens, reciprocal_rank_fusion, select_passages

LONG = "Green tea is brewed with water of seventy to eighty degrees for two minutes at the most."
OTHER = "The archive keeps every letter for thirty years and then gives it to the museum of the town."


def passage(text: str, number: int = 1, source: str = "a.md", heading: str = "Tea") -> Passage:
    return Passage(id=f"p{number}", text=text, source=source, heading=heading)


def select(passages: Sequence[Passage], top: int = 5, tokens: int = 1_000) -> list[str]:
    return [selected.id for selected in select_passages(passages, top=top, tokens=tokens)]


def words(*numbers: int) -> str:
    return " ".join(f"word{number}" for number in numbers)


def test_the_best_come_first_and_no_more_than_requested() -> None:
    passages = [passage(f"{word} {word} {word} stands alone here", number) for number, word in enumerate("abcdef")]

    assert select(passages, top=3) == ["p0", "p1", "p2"]


def test_a_passage_that_repeats_a_better_one_is_left_out() -> None:
    copy = LONG.replace("Green", "The green").upper()

    assert select([passage(LONG, 1), passage(copy, 2, source="b.md"), passage(OTHER, 3)]) == ["p1", "p3"]


@pytest.mark.parametrize(("shared", "repeats"), [(12, True), (11, False)])
def test_passages_that_share_four_fifths_of_their_runs_of_five_words_are_the_same(shared: int, repeats: bool) -> None:
    """14 words have 10 runs of 5; 12 shared words have 8, 11 have 7."""
    one = passage(words(*range(14)), 1)
    other = passage(words(*range(shared), *range(100, 114 - shared)), 2, source="b.md")

    assert select([one, other]) == (["p1"] if repeats else ["p1", "p2"])


def test_a_passage_within_another_repeats_it() -> None:
    assert select([passage(words(*range(20)), 1), passage(words(*range(7, 12)), 2, source="b.md")]) == ["p1"]
    assert select([passage(words(*range(7, 12)), 1), passage(words(*range(20)), 2, source="b.md")]) == ["p1"]


def test_short_passages_repeat_each_other_only_when_they_are_equal() -> None:
    passages = [passage("Tea.", 1), passage("tea", 2, source="b.md"), passage("Tea pot", 3, source="c.md")]

    assert select(passages) == ["p1", "p3"]


def test_neighbours_are_joined_at_the_rank_of_the_better() -> None:
    second = f"{LONG[40:]} Then the leaves are taken out, and the cup is left to cool a little."
    for passages in ([passage(second, 2), passage(OTHER, 3), passage(LONG, 1)], [passage(LONG, 1), passage(second, 2)]):
        first = select_passages(passages, top=5, tokens=1_000)[0]
        assert first.id == passages[0].id
        assert first.text == LONG + second[len(LONG) - 40 :]


def joined(first: str, second: str) -> str | None:
    """The text of two neighbours if they are joined."""
    selected = select_passages([passage(first, 1), passage(second, 2)], top=2, tokens=1_000)
    return selected[0].text if selected[0].text != first else None


def test_neighbours_overlap_by_twenty_characters_at_least() -> None:
    assert joined(f"{LONG} {OTHER[:20]}", OTHER) == f"{LONG} {OTHER}"
    assert joined(f"{LONG} {OTHER[:19]}", OTHER) is None


def test_a_passage_that_begins_another_is_joined_to_it() -> None:
    assert joined(OTHER[:40], OTHER) == OTHER


def test_neighbours_are_joined_at_their_longest_overlap() -> None:
    assert joined("tea " * 10, "tea " * 12) == "tea " * 12


def test_an_overlap_counts_only_up_to_the_end_of_the_first_passage() -> None:
    """The first 20 characters of the second stand twice in the first; the later place leads to its end."""
    begin = OTHER[:20]

    assert joined(f"{begin} is green. {begin}", OTHER) == f"{begin} is green. {OTHER}"
    assert joined(f"{begin} is green.", OTHER) is None


@pytest.mark.parametrize("changed", [{"heading": "Coffee"}, {"source": "b.md"}])
def test_passages_of_different_sections_are_never_joined(changed: dict[str, str]) -> None:
    second = passage(f"{LONG[40:]} More of it, and of other things.", 2, **changed)

    assert select([passage(LONG, 1), second]) == ["p1", "p2"]


def test_a_token_is_four_characters() -> None:
    assert (estimated_tokens(""), estimated_tokens("x" * 99), estimated_tokens("x" * 100)) == (1, 25, 26)


def test_the_best_passage_is_selected_however_long_it_is() -> None:
    assert select([passage(f"{LONG} " * 30, 0), passage(OTHER, 9)], tokens=1) == ["p0"]


def test_the_budget_is_filled_by_the_passages_that_still_fit() -> None:
    """Passages of 24, 24 and 11 tokens: the second does not fit beside the first, the third does."""
    small = "Nobody knows what the museum keeps there."
    passages = [passage(LONG, 1), passage(OTHER, 2), passage(small, 3)]
    costs = [estimated_tokens(one.text) for one in passages]

    assert select(passages, tokens=sum(costs)) == ["p1", "p2", "p3"]
    assert select(passages, tokens=sum(costs) - 1) == ["p1", "p2"]
    assert select(passages, tokens=costs[0] + costs[2]) == ["p1", "p3"]
    assert select(passages, tokens=costs[0] + costs[2] - 1) == ["p1"]


@given(st.lists(st.text(max_size=300), max_size=12), st.integers(1, 8), st.integers(1, 500))
def test_the_bounds_hold_whatever_the_passages(texts: list[str], top: int, tokens: int) -> None:
    passages = [passage(text, number) for number, text in enumerate(texts)]

    selected = select_passages(passages, top=top, tokens=tokens)

    assert len(selected) <= top
    assert len(selected) >= (1 if passages else 0)
    assert sum(estimated_tokens(passage.text) for passage in selected[1:]) <= tokens
    assert len({passage.id for passage in selected}) == len(selected)


def fuse(*rankings: str) -> str:
    """Return the fused order of passages that each ranking names by a letter."""
    passages = {letter: Passage(id=letter, text=letter, source=letter) for letter in "".join(rankings)}
    return "".join(one.id for one in reciprocal_rank_fusion([[passages[letter] for letter in r] for r in rankings]))


def test_one_ranking_stays_as_it_is() -> None:
    assert fuse("cab") == "cab"
    assert fuse("cab", "") == "cab"


def test_a_passage_that_several_rankings_have_comes_before_one_that_a_single_ranking_puts_first() -> None:
    assert fuse("ab", "cb") == "bac"
    assert fuse("abc", "bca", "bac") == "bac"


def test_the_fusion_adds_the_reciprocals_of_sixty_and_the_rank() -> None:
    """2 / (60 + 62) equals 1 / (60 + 1): at rank 61 in both rankings `b` beats `a`, at 62 it is equal, at 63 worse."""
    fillers = [Passage(id=f"f{number}", text="", source="") for number in range(130)]
    a, b = (Passage(id=letter, text="", source="") for letter in "ab")

    for rank, first in ((61, "b"), (62, "a"), (63, "a")):
        one = [a, *fillers[: rank - 2], b]
        other = [*fillers[65 : 65 + rank - 1], b]
        order = [one.id for one in reciprocal_rank_fusion([one, other]) if one.id in "ab"]
        assert order[0] == first


def test_the_passage_of_the_first_ranking_is_returned() -> None:
    one, other = Passage(id="a", text="whole", source="s"), Passage(id="a", text="cut", source="s")

    assert reciprocal_rank_fusion([[one], [other]]) == [one]
