"""The passages that an agent gets to read: the best, without repetitions, within the budget."""

from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.passages import Passage
from murmuration.policy.passages import estimated_tokens, select_passages

LONG = "Green tea is brewed with water of seventy to eighty degrees for two minutes at the most."
OTHER = "The archive keeps every letter for thirty years and then gives it to the museum of the town."


def passage(text: str, number: int = 1, source: str = "a.md", heading: str = "Tea") -> Passage:
    return Passage(id=f"p{number}", text=text, source=source, heading=heading)


def test_the_best_come_first_and_no_more_than_requested() -> None:
    found = [passage(f"{word} {word} {word} stands alone here", number) for number, word in enumerate("abcdef")]

    assert [passage.id for passage in select_passages(found, top=3, tokens=1_000)] == ["p0", "p1", "p2"]


def test_a_passage_that_repeats_a_better_one_is_left_out() -> None:
    copy = LONG.replace("Green", "The green").upper()
    found = [passage(LONG, 1), passage(copy, 2, source="b.md"), passage(OTHER, 3)]

    assert [passage.id for passage in select_passages(found, top=5, tokens=1_000)] == ["p1", "p3"]


def test_neighbours_are_joined_at_the_rank_of_the_better() -> None:
    second = f"{LONG[40:]} Then the leaves are taken out, and the cup is left to cool a little."
    for found in ([passage(second, 2), passage(OTHER, 3), passage(LONG, 1)], [passage(LONG, 1), passage(second, 2)]):
        first = select_passages(found, top=5, tokens=1_000)[0]
        assert first.id == found[0].id
        assert first.text == LONG + second[len(LONG) - 40 :]


def test_passages_of_different_sections_are_never_joined() -> None:
    found = [passage(LONG, 1), passage(f"{LONG[40:]} More of it, and of other things.", 2, heading="Coffee")]

    assert len(select_passages(found, top=5, tokens=1_000)) == 2


def test_the_budget_is_kept_and_the_best_is_always_selected() -> None:
    found = [passage(f"{LONG} {number} " * 30, number) for number in range(3)]
    found = [found[0], passage(OTHER, 9)]

    assert [passage.id for passage in select_passages(found, top=5, tokens=1)] == ["p0"]
    assert [
        select_passage.id
        for select_passage in select_passages(found, top=5, tokens=estimated_tokens(found[0].text) + 40)
    ] == [
        "p0",
        "p9",
    ]


@given(st.lists(st.text(max_size=300), max_size=12), st.integers(1, 8), st.integers(1, 500))
def test_the_bounds_hold_whatever_the_passages(texts: list[str], top: int, tokens: int) -> None:
    found = [passage(text, number) for number, text in enumerate(texts)]

    selected = select_passages(found, top=top, tokens=tokens)

    assert len(selected) <= top
    assert len(selected) >= (1 if found else 0)
    assert sum(estimated_tokens(passage.text) for passage in selected[1:]) <= tokens
    assert len({passage.id for passage in selected}) == len(selected)
