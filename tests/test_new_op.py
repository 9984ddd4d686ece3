"""To add an op is to add files, as docs/adding-an-op.md says.

The page's own files are added to a copy of the tree; all about the op is there afterwards, and no file was edited."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scratch_tree import ScratchTree

ROOT = Path(__file__).parent.parent
# A path in backquotes at the start of a line, some words, and the file in a fenced block.
FILE = re.compile(r"^`(?P<path>[\w/.]+)`[^\n`]*\n\n```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def files_of_the_page() -> dict[str, str]:
    page = (ROOT / "docs" / "adding-an-op.md").read_text(encoding="utf-8")
    return {match["path"]: match["text"] for match in FILE.finditer(page)}


@pytest.mark.slow
def test_an_op_is_added_with_new_files_alone(tmp_path: Path) -> None:
    files = files_of_the_page()
    assert list(files) == ["cpp/ops/softsign/math.h", "cpp/ops/softsign/spec.cpp", "tests/cases/softsign.py"]
    tree = ScratchTree(tmp_path / "tree")
    for name, text in files.items():
        path = tree.folder / name
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tree.build()
    call = "pt.softsign(pt.tensor([1.0, -3.0])).numpy()"
    shown = tree.python(f"import powertrain as pt; print({call}, pt.softsign.__doc__)")
    assert shown.startswith("[ 0.5  -0.75] softsign(x): x over 1 + |x|")
    oracles = tree.pytest("tests/test_ops.py", "-vv", "-k", "softsign or case_file")
    assert oracles.returncode == 0, oracles.stdout
    assert "test_gradient[softsign] PASSED" in oracles.stdout
    benchmark = tree.pytest("benchmarks/test_ops_bench.py", "--benchmark-enable", "--benchmark-only", "-k", "softsign")
    assert benchmark.returncode == 0 and "1 passed" in benchmark.stdout, benchmark.stdout
