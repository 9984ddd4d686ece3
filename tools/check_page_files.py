"""Fail where a file that a page of docs/ shows is not as ruff and clang-format want it.

Readers copy these files into the tree (docs/adding-an-op.md, docs/adding-a-pass.md), where `make lint` judges them.
"""

import difflib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests" / "support"))

from page_files import files_of_page  # noqa: E402

PAGES = ("adding-an-op", "adding-a-pass")


def _output(tools: Path, text: str, *command: str) -> str:
    done = subprocess.run(
        [tools / command[0], *command[1:]], cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode in (0, 1) else f"{done.stdout}{done.stderr}"


def complaints(name: str, text: str, tools: Path) -> Iterator[str]:
    """Yield what ruff and clang-format in the folder `tools` find wrong with a file of this name."""
    if name.endswith(".py"):
        found = _output(tools, text, "ruff", "check", "--quiet", "--stdin-filename", name, "-")
        if found:
            yield found
        formatted = _output(tools, text, "ruff", "format", "--stdin-filename", name, "-")
    else:
        formatted = _output(tools, text, "clang-format", f"--assume-filename={name}")
    if formatted != text:
        lines = difflib.unified_diff(text.splitlines(True), formatted.splitlines(True), "as shown", "formatted")
        yield "".join(lines)


def main() -> int:
    tools = Path(sys.executable).parent
    failed = False
    for page in PAGES:
        for name, text in files_of_page(page).items():
            for complaint in complaints(name, text, tools):
                print(f"[page docs/{page}.md] {name} is not as ruff and clang-format want it:\n{complaint}")
                failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
