"""Recipes from anywhere: none crashes, hangs or ends in a traceback. A tenth of 2,000; with `-m long` all of them."""

from __future__ import annotations

import pytest

from attack import recipes
from attack.commands import examine, judge

COUNT = 2000
PART = COUNT // 10


@pytest.mark.slow
def test_a_tenth_of_the_recipes() -> None:
    assert examine(recipes, "recipe", 0, PART) == []


@pytest.mark.long
@pytest.mark.parametrize("tenth", range(1, 10))
def test_the_other_recipes(tenth: int) -> None:
    assert examine(recipes, "recipe", tenth * PART, PART) == []


def test_recipes_are_the_same_for_their_number_and_of_both_kinds() -> None:
    assert recipes.recipe(7) == recipes.recipe(7) and recipes.recipe(7) != recipes.recipe(8)
    texts = [recipes.recipe(number) for number in range(0, 90, 3)]
    assert any("run = {" in text for text in texts) and len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("code", "said", "printed", "wrong"),
    [
        (0, "", "", []),
        (2, "[recipe.toml:1] wrong; expected right\n", "", []),
        (3, "[a] b", "", ["exit code 3"]),
        (2, "wrong", "", ["no message that says where: wrong"]),
        (1, "", "\x1b[31m", ["characters that do not print: ['\\x1b']"]),
        (2, "Traceback (most recent call last)\n[a] b", "", ["a traceback: Traceback (most recent call last) | [a] b"]),
    ],
)
def test_each_kind_of_fault_is_seen(code: int, said: str, printed: str, wrong: list[str]) -> None:
    assert judge(code, said, printed).wrong == wrong
