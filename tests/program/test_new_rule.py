"""To add a rewrite rule is to add a file, and a pass two lines more, as docs/adding-a-pass.md says.

The page's own files are added to a copy of the tree; the rule and the pass are at work there afterwards. Somebody who
does what the page says has them in this tree too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mutants_elsewhere import Part
from page_files import DOCS, files_of_page
from scratch_tree import ScratchTree

RULE = ["cpp/ops/negative/spec_rewrites.cpp", "tests/program/test_twice_negated.py"]
PASS = ["cpp/graph/passes/delay.cpp", "tests/program/test_delay.py"]
# What the page adds to a file, and behind which line of it.
LINES = [
    (
        "cpp/graph/passes/passes.h",
        "Graph attach_consumers(const Graph& graph, const Target& target);\n",
        "// Each result is made just before the first call that needs it.\n"
        "Graph delay(const Graph& graph, const Target& target);\n",
    ),
    (
        "cpp/graph/passes/passes.cpp",
        '      {"attach_consumers", "fuse", attach_consumers},\n',
        '      {"delay", "simplify", delay},\n',
    ),
]


def test_the_faults_of_the_page_are_in_its_files() -> None:
    files = files_of_page("adding-a-pass")
    page = (DOCS / "adding-a-pass.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n( +\"delay\": Part\(.*?)^```", page, re.DOTALL | re.MULTILINE)
    parts: dict[str, Part] = eval(f"{{{block}}}", {"Part": Part})
    assert [test for part in parts.values() for test in part.tests] == [PASS[1], RULE[1]]
    for part in parts.values():
        for file, text, wrong in part.rows:
            assert files[file].count(text) == 1 and text != wrong


@pytest.mark.slow
def test_a_rule_is_a_new_file_and_a_pass_two_lines_more(tmp_path: Path) -> None:
    files = files_of_page("adding-a-pass")
    assert list(files) == [*RULE, *PASS]
    tree = ScratchTree(tmp_path / "tree")
    for name, text in files.items():
        path = tree.folder / name
        assert not path.exists() or path.read_text(encoding="utf-8") == text
        path.write_text(text, encoding="utf-8")
    page = (DOCS / "adding-a-pass.md").read_text(encoding="utf-8")
    for name, behind, line in LINES:
        assert f"```cpp\n{line}```" in page
        path = tree.folder / name
        before = path.read_text(encoding="utf-8")
        assert before.count(behind) == 1
        if line not in before:
            path.unlink()
            path.write_text(before.replace(behind, behind + line), encoding="utf-8")
    tree.build_what_differs()
    done = tree.pytest(*(name for name in files if name.endswith(".py")))
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout
