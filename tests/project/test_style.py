"""tools/check_style.py finds words of our own and long sentences, where people read them and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

import check_style

LONG = f"A sentence {'goes on ' * 20}here."


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_style, "ROOT", tmp_path)


def told(tmp_path: Path, name: str, text: str) -> list[str]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return check_style.check([path])


def test_a_word_of_our_own_is_found_in_each_kind_of_text(tmp_path: Path) -> None:
    assert told(tmp_path, "a.md", "# A\n\nMend it.\n") == [
        '[style a.md:3] "Mend"; readers do not know this word; write fix'
    ]
    (said,) = told(tmp_path, "a.py", 'def f():\n    """Mend it."""\n')
    assert said.startswith("[style a.py:2]")
    (said,) = told(tmp_path, "b.py", 'def f():\n    raise ValueError("[f] 3; expected 4; mend it")\n')
    assert said.startswith("[style b.py:2]")
    (said,) = told(tmp_path, "a.cpp", '\n.doc(R"(mends x.\nShapes  x)")\n')
    assert said.startswith("[style a.cpp:2]")


def test_code_and_part_words_are_left_alone(tmp_path: Path) -> None:
    assert told(tmp_path, "a.md", "Amend `mend`.\n\n```\nmend\n```\n") == []
    assert told(tmp_path, "a.py", "mend = 1\n") == []


def test_a_long_sentence_is_found(tmp_path: Path) -> None:
    page = f"# A\n\nShort one. {LONG}\n"
    (said,) = told(tmp_path, "a.md", page)
    assert said.startswith(
        "[style a.md:3] a sentence of 43 words; expected at most 35; make two of it: A sentence goes"
    )
    assert len(told(tmp_path, "a.md", f"{page}\n{LONG}\n")) == 2
    (said,) = told(tmp_path, "a.py", f'"""Short.\n\n{LONG}\n"""\n')
    assert said.startswith("[style a.py:3]")


def test_tables_headings_and_sections_are_no_sentences(tmp_path: Path) -> None:
    assert told(tmp_path, "a.md", f"# {LONG}\n\n| a |\n| --- |\n| {LONG} |\n") == []
    assert told(tmp_path, "a.md", f":::{{toctree}}\n:hidden:\n\n{LONG}\n:::\n") == []
    assert told(tmp_path, "a.py", f'"""Short.\n\nErrors    {LONG}\n"""\n') == []


def test_a_row_of_parameters_is_a_piece_by_itself(tmp_path: Path) -> None:
    rows = "".join(f"\nname_{at}, other   {'goes on ' * 6}and\n            on" for at in range(5))
    assert told(tmp_path, "a.py", f'"""Short.\n{rows}\nalone\n      {"goes on " * 12}\n"""\n') == []
    assert len(told(tmp_path, "a.py", f'"""Short.\n{rows}\nlast   {LONG}\n"""\n')) == 1
