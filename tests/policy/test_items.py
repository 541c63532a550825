"""Items become instructions: few and short ones. Whatever is left out or cut is named."""

import pytest

from murmuration.contracts.plans import MAX_ITEMS
from murmuration.policy.items import MAX_ITEM_CHARACTERS, MAX_NAMED, fitted_items


def test_few_and_short_items_stay_as_they_are() -> None:
    assert fitted_items([" green ", "", "  ", "black"]) == (("green", "black"), ())


@pytest.mark.parametrize("count", [MAX_ITEMS, MAX_ITEMS + 1, MAX_ITEMS + MAX_NAMED])
def test_each_item_beyond_the_limit_is_named(count: int) -> None:
    items = [f"tea {number}" for number in range(1, count + 1)]

    kept, lost = fitted_items(items)

    assert list(kept) == items[:MAX_ITEMS]
    assert [item.item for item in lost] == items[MAX_ITEMS:]
    assert all(item.reason.endswith(f"the first {MAX_ITEMS} are worked on") for item in lost)


def test_very_many_lost_items_are_counted() -> None:
    _, lost = fitted_items([f"tea {number}" for number in range(1_000)])

    assert len(lost) == MAX_NAMED + 1
    assert lost[-1].item == f"{1_000 - MAX_ITEMS - MAX_NAMED} more items"
    assert lost[-1].reason == "of a list of 1000"


@pytest.mark.parametrize("text", ["the leaves of spring " * 13, "x" * 260, "y" * 150 + " " + "z" * 110])
def test_a_long_item_is_cut_with_an_ellipsis_and_named(text: str) -> None:
    (kept,), (lost,) = fitted_items([text])

    assert len(kept) <= MAX_ITEM_CHARACTERS
    assert kept.endswith("…")
    assert text.startswith(kept[:-1])
    assert lost.item == kept
    assert lost.reason == f"cut to {len(kept)} of {len(text.strip())} characters"


def test_a_long_item_is_cut_between_words() -> None:
    (kept,), _ = fitted_items(["the leaves of spring " * 13])

    assert kept.removesuffix("…").split()[-1] in ("the", "leaves", "of", "spring")
    assert len(kept) > MAX_ITEM_CHARACTERS - 20


def test_an_item_of_the_greatest_length_is_whole() -> None:
    text = "x" * MAX_ITEM_CHARACTERS

    assert fitted_items([text]) == ((text,), ())


def test_a_lost_item_is_named_with_its_number() -> None:
    _, lost = fitted_items([f"tea {number}" for number in range(1, 23)])

    assert [item.reason.partition(",")[0] for item in lost] == ["item 21 of a list", "item 22 of a list"]


def test_the_item_after_the_last_that_is_named_is_counted() -> None:
    """20 items are worked on, and 40 more are named."""
    _, lost = fitted_items([f"tea {number}" for number in range(61)])

    assert len(lost) == 41
    assert lost[-1].item == "1 more items"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 260, "x" * 199),
        ("a " + "x" * 147 + " " + "y" * 100, "a " + "x" * 147),
        ("a " + "x" * 146 + " " + "y" * 100, "a " + "x" * 146 + " " + "y" * 50),
    ],
    ids=["no words", "49 characters of a word", "50 characters of a word"],
)
def test_a_cut_gives_up_less_than_a_quarter_for_a_whole_word(text: str, kept: str) -> None:
    assert fitted_items([text])[0] == (f"{kept}…",)
