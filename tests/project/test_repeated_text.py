"""No page says a thing twice: two versions of one section are easily left behind by a merge."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from check_style import MADE
from page_blocks import ROOT, pages

LEAST = 18  # words of a paragraph that is looked at
MOST = 0.3  # of the runs of four words of the shorter one
WRITTEN = [page for page in pages() if page.relative_to(ROOT).as_posix() not in MADE]


def paragraphs(text: str) -> Iterator[list[str]]:
    """The words of each paragraph and table, without code."""
    for paragraph in re.split(r"\n\s*\n", re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL)):
        words = re.findall(r"\w+", paragraph.lower())
        if len(words) >= LEAST and "|:--" not in paragraph:  # no table that a tool writes
            yield words


def repeated(text: str) -> list[str]:
    """The beginnings of paragraphs that share much with a later one."""
    runs = [(words, set(zip(words, words[1:], words[2:], words[3:], strict=False))) for words in paragraphs(text)]
    return [
        " ".join(words[:8])
        for (words, first), (_, second) in itertools.combinations(runs, 2)
        if len(first & second) > MOST * min(len(first), len(second))
    ]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_says_nothing_twice(page: Path) -> None:
    assert repeated(page.read_text(encoding="utf-8")) == []


def test_two_versions_of_a_paragraph_are_found() -> None:
    first = "A token never stands on the command line, where other users read it, and two routes need none."
    text = f"{first}\n\nSomething else.\n\nA token stands in a file, never {first.partition('never ')[2]}"
    assert repeated(text) == ["a token never stands on the command line"]
