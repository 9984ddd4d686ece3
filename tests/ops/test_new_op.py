"""To add an op is to add files, as docs/adding-an-op.md says.

The page's own files are added to a copy of the tree; all about the op is there afterwards, and no file was edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from page_files import files_of_page
from scratch_tree import ScratchTree


@pytest.mark.slow
def test_an_op_is_added_with_new_files_alone(tmp_path: Path) -> None:
    files = files_of_page("adding-an-op")
    assert list(files) == [
        "cpp/ops/squareplus/math.h", "cpp/ops/squareplus/spec.cpp", "tests/cases/squareplus.py",
        "cpp/ops/soft_clip/spec.cpp", "tests/cases/soft_clip.py",
    ]  # fmt: skip
    tree = ScratchTree(tmp_path / "tree")
    for name, text in files.items():
        path = tree.folder / name
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tree.build_what_differs()
    call = "pt.squareplus(pt.tensor([0.0, 1.5])).numpy()"
    shown = tree.python(f"import powertrain as pt; print({call}, pt.squareplus.__doc__)")
    assert shown.startswith("[1. 2.] squareplus(x): half of x + sqrt(x^2 + 4)")
    added = "squareplus or soft_clip or case_file"
    oracles = tree.pytest("tests/ops/test_ops.py", "tests/ops/test_op_cases.py", "-vv", "-k", added)
    assert oracles.returncode == 0, oracles.stdout
    for name in ("squareplus", "soft_clip"):
        assert f"test_gradient[{name}] PASSED" in oracles.stdout
    benchmark = tree.pytest(
        "benchmarks/test_ops_bench.py", "--benchmark-enable", "--benchmark-only", "-k", "squareplus"
    )
    assert benchmark.returncode == 0 and "1 passed" in benchmark.stdout, benchmark.stdout
