"""The same need, called in again: what is told as new."""

from typing import Any

import pytest

from dispatcher.rules.sameneed import MOST_NOTES, add_notes, merge_items

ASPIRIN = {"name": "阿司匹林", "strength": "100mg", "amount": "2盒", "source": "card"}


@pytest.mark.parametrize(
    ("said", "amounts", "kinds"),
    [
        ({"name": "阿司匹林", "amount": "1盒"}, ["1盒"], ["amount"]),
        ({"name": " 阿司匹林", "strength": "100 MG", "amount": "１盒"}, ["１盒"], ["amount"]),
        ({"name": "阿司匹林", "amount": "２ 盒"}, ["2盒"], []),
        ({"name": "阿司匹林"}, ["2盒"], []),
        ({"name": "阿司匹林", "strength": "25mg", "amount": "1盒"}, ["2盒", "1盒"], ["more"]),
        ({"name": "布洛芬", "amount": "1盒"}, ["2盒", "1盒"], ["more"]),
        ({"name": "布洛芬"}, ["2盒", None], ["more"]),
    ],
)
def test_a_new_amount_replaces_the_old_one(
    said: dict[str, str], amounts: list[str | None], kinds: list[str]
) -> None:
    items, changes = merge_items([ASPIRIN], [said])
    assert [item.get("amount") for item in items] == amounts
    assert [change["kind"] for change in changes] == kinds
    assert items[0]["source"] == "card"
    assert ASPIRIN["amount"] == "2盒", "what is in hand stays as it is"


def test_what_was_left_open_is_filled_in_without_a_word() -> None:
    items, changes = merge_items([{"name": "阿司匹林", "amount": "2盒"}], [ASPIRIN])
    assert (items, changes) == ([ASPIRIN], [])


@pytest.mark.parametrize(
    ("known", "said", "now", "news"),
    [
        ("", "只要1盒", "只要1盒", "只要1盒"),
        ("要11盒", "1盒", "要11盒\n1盒", "1盒"),
        ("放门口", " 放门口 ", "放门口", ""),
        ("放门口", "放门口\n只要1盒", "放门口\n只要1盒", "只要1盒"),
        ("放门口", " ", "放门口", ""),
    ],
)
def test_only_new_words_are_news(known: str, said: str, now: str, news: str) -> None:
    expected: list[Any] = [{"kind": "notes", "said": news}] if news else []
    assert add_notes(known, said) == (now, expected)


@pytest.mark.parametrize("length", [10, 900, 1000, 2000])
def test_the_newest_words_are_never_the_ones_cut_off(length: int) -> None:
    notes, _changes = add_notes("旧" * MOST_NOTES, "新" * length)
    assert len(notes) <= MOST_NOTES
    assert notes.count("新") == min(length, MOST_NOTES)
