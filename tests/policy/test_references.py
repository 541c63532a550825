"""References name tasks and items; only known ones are replaced, and nothing is replaced twice."""

import pytest

from murmuration.policy.references import references, substitute, task_of


def test_references_come_in_order_without_their_spaces() -> None:
    assert list(references("compare ${t2.answer} with ${ t1.items } and ${t2.answer}")) == [
        "t2.answer",
        "t1.items",
        "t2.answer",
    ]


@pytest.mark.parametrize("text", ["", "$HOME", "{t1}", "${", "${a{b}c}", "$ {t1}"])
def test_text_without_a_whole_reference_has_none(text: str) -> None:
    assert list(references(text)) == []


def test_the_task_stands_before_the_first_dot() -> None:
    assert (task_of("t1.answer"), task_of("item"), task_of("t1.a.b")) == ("t1", "item", "t1")


def test_only_known_references_are_replaced() -> None:
    text = substitute("${ item } and ${t9.answer}", {"item": "tea"})

    assert text == "tea and ${t9.answer}"


def test_a_value_that_looks_like_a_reference_stays_as_it_is() -> None:
    assert substitute("${a}", {"a": "${b}", "b": "secret"}) == "${b}"
