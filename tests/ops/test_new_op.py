"""To add an op is to add files, as docs/adding-an-op.md says.

The page's own files are added to a copy of the tree; all about the op is there afterwards, and no file was edited.
In the copy the page's ops have other names, so that this tree may have ops of the page's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from page_files import files_of_page
from scratch_tree import ScratchTree

NAMES = {"squareplus": "op_of_the_page", "soft_clip": "other_of_the_page"}


def renamed(text: str) -> str:
    for name, here in NAMES.items():
        text = text.replace(name, here)
    return text


@pytest.mark.slow
def test_an_op_is_added_with_new_files_alone(tmp_path: Path) -> None:
    files = files_of_page("adding-an-op")
    assert list(files) == [
        "cpp/ops/squareplus/math.h", "cpp/ops/squareplus/spec.cpp", "tests/cases/squareplus.py",
        "cpp/ops/soft_clip/spec.cpp", "tests/cases/soft_clip.py",
    ]  # fmt: skip
    tree = ScratchTree(tmp_path / "tree")
    for name, text in files.items():
        path = tree.folder / renamed(name)
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(renamed(text), encoding="utf-8")
    tree.build_what_differs()
    elementwise, composed = NAMES.values()
    call = f"pt.{elementwise}(pt.tensor([0.0, 1.5])).numpy()"
    shown = tree.python(f"import powertrain as pt; print({call}, pt.{elementwise}.__doc__)")
    assert shown.startswith(f"[1. 2.] {elementwise}(x): half of x + sqrt(x^2 + 4)")
    added = f"{elementwise} or {composed} or case_file"
    oracles = tree.pytest("tests/ops/test_ops.py", "tests/ops/test_op_cases.py", "-vv", "-k", added)
    assert oracles.returncode == 0, oracles.stdout
    for name in NAMES.values():
        assert f"test_gradient[{name}] PASSED" in oracles.stdout
    benchmark = tree.pytest("benchmarks/test_ops_bench.py", "--benchmark-enable", "--benchmark-only", "-k", elementwise)
    assert benchmark.returncode == 0 and "1 passed" in benchmark.stdout, benchmark.stdout
