"""The code in README.md and docs/: every block of Python runs, every command exists, or a comment says why not.

The blocks of a page run from top to bottom, in a folder of their own. ELSEWHERE names the tests that run the blocks of
a page and examine more than that.
"""

from __future__ import annotations

import doctest
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from page_blocks import ROOT, Block, blocks, pages
from powertrain.cli.parser import parser

ELSEWHERE = {
    "docs/adding-a-pass.md": "tests/program/test_new_rule.py",
    "docs/adding-an-op.md": "tests/ops/test_new_op.py",
    "docs/from-pytorch.md": "tests/errors/test_from_pytorch.py",
    "docs/optimizers.md": "tests/optim/test_optimizers_page.py",
    "docs/solvers.md": "tests/solvers/test_solvers.py",
    "docs/your-data.md": "tests/project/test_your_data.py",
    **{
        path.relative_to(ROOT).as_posix(): "tests/plugin/test_plugin_docs.py"
        for path in (ROOT / "docs" / "plugins").glob("*.md")
    },
}
PAGES = {path.relative_to(ROOT).as_posix(): list(blocks(path.read_text(encoding="utf-8"))) for path in pages()}
MAKE = (ROOT / "Makefile").read_text(encoding="utf-8")


def of(language: str) -> list[tuple[str, Block]]:
    return [(page, block) for page, found in PAGES.items() for block in found if block.language == language]


def with_python() -> list[str]:
    return sorted({page for page, block in of("python") if not block.reason} - set(ELSEWHERE))


@pytest.mark.parametrize("page", with_python())
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in PAGES[page]:
        if block.language != "python" or block.reason:
            continue
        if block.code.lstrip().startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(block.code, names, page, page, block.line - 1)
            assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
            continue
        for needed in ("sklearn", "powertrain_serve", "powertrain_rl"):
            if needed in block.code:
                pytest.importorskip(needed, reason=f"{page} is about {needed}")
        if page == "docs/onnx.md":
            pytest.importorskip("powertrain_onnx", reason="powertrain-onnx is not installed")
        exec(compile("\n" * (block.line - 1) + block.code, str(ROOT / page), "exec"), names)


@pytest.mark.parametrize("page", ELSEWHERE)
def test_a_page_that_is_tested_elsewhere_is(page: str) -> None:
    text = (ROOT / ELSEWHERE[page]).read_text(encoding="utf-8")
    assert Path(page).name in text or f'"{Path(page).parent.name}"' in text


def test_what_does_not_run_says_why() -> None:
    for page, found in PAGES.items():
        for block in found:
            assert not block.reason or len(block.reason.split()) >= 2, f"{page}:{block.line}: {block.reason}"
            assert block.language in ("", "python", "toml", "console", "text", "c", "cpp"), f"{page}:{block.line}"


@pytest.mark.parametrize(("page", "block"), of("toml"), ids=lambda part: getattr(part, "line", part))
def test_tables_are_toml(page: str, block: Block) -> None:
    assert tomllib.loads(block.code)


def commands() -> list[tuple[str, int, list[str]]]:
    """The calls of powertrain and make, in blocks without a language and in lines of text."""
    found = []
    for path in pages():
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(
            r"`((?:powertrain|make) [a-z][^`.]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        ):
            words = call[1].split()
            found.append((path.relative_to(ROOT).as_posix(), 0, words[:2] if words[0] == "powertrain" else words))
    for page, block in [*of(""), *of("console")]:
        for at, line in enumerate(block.code.splitlines()):
            words = shlex.split(line.removeprefix("$ "), comments=True) if not block.reason else []
            if words[:1] in (["powertrain"], ["make"]):
                found.append((page, block.line + at, words))
    return found


@pytest.mark.parametrize(("page", "line", "words"), commands(), ids=lambda part: str(part))
def test_commands_exist(page: str, line: int, words: list[str]) -> None:
    if words[0] == "make":
        for target in (word for word in words[1:] if re.fullmatch(r"[a-z0-9-]+", word)):
            assert re.search(rf"^{target}:", MAKE, re.MULTILINE), f"{page}:{line}: no target {target}"
    elif len(words) == 2 and not words[1].startswith("-"):
        assert re.search(rf"^    {words[1]}\b", parser().format_help(), re.MULTILINE), f"{page}: no {words[1]}"
    elif words[1] != "bench":  # it reads its own arguments
        parser().parse_args(words[1:])


def test_blocks_are_found() -> None:
    text = "<!-- setup\nx = 1\n-->\n```python\nx\n```\n<!-- not run: needs a GPU -->\n```python\ny\n```\n"
    text += "```\nmake run\n```\n"
    assert [(one.language, one.code, one.reason, one.line) for one in blocks(text)] == [
        ("python", "x = 1\n", "", 2), ("python", "x\n", "", 5), ("python", "y\n", "needs a GPU", 9),
        ("", "make run\n", "", 12),
    ]  # fmt: skip
    assert len(of("python")) > 50 and len(commands()) > 20
