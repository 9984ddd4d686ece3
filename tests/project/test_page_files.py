"""tools/check_page_files.py: the files that pages show are as `make lint` wants them in the tree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import check_page_files
from page_files import files_of_page

TOOLS = Path(sys.prefix) / "lint" / "bin"
needs_lint = pytest.mark.skipif(
    not (TOOLS / "clang-format").exists(), reason="the tools of make lint are not installed"
)


@needs_lint
@pytest.mark.parametrize("page", check_page_files.PAGES)
def test_files_of_a_page_pass_lint(page: str) -> None:
    files = files_of_page(page)
    assert files
    found = [complaint for name, text in files.items() for complaint in check_page_files.complaints(name, text, TOOLS)]
    assert not found, "\n".join(found)


@needs_lint
@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("cpp/ops/a/math.h", "int  a;\n", "+int a;"),
        ("tests/cases/a.py", "a = {1:2}\n", "+a = {1: 2}"),
        ("tests/cases/a.py", "import numpy as np\nfrom kit import Case\n\nprint(np, Case)\n", "I001"),
    ],
)
def test_a_file_that_lint_refuses_is_found(name: str, text: str, word: str) -> None:
    (found,) = check_page_files.complaints(name, text, TOOLS)
    assert word in found
