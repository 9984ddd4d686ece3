"""To add a rewrite rule is to add a file, as docs/adding-a-pass.md says.

The page's own files are added to a copy of the tree; the rule is at work there afterwards, and no file was edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from page_files import files_of_page
from scratch_tree import ScratchTree


@pytest.mark.slow
def test_a_rule_is_added_with_a_new_file_alone(tmp_path: Path) -> None:
    files = files_of_page("adding-a-pass")
    assert list(files) == ["cpp/ops/negative/spec_rewrites.cpp", "tests/program/test_twice_negated.py"]
    tree = ScratchTree(tmp_path / "tree")
    for name, text in files.items():
        path = tree.folder / name
        assert not path.exists()
        path.write_text(text, encoding="utf-8")
    tree.build()
    done = tree.pytest(*(name for name in files if name.endswith(".py")))
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
