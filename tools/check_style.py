"""Fail on words of our own, and on sentences that are too long to read, in pages, docstrings and messages.

`style_words.toml` has the words with what to write instead. A sentence may have LONGEST words.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
WORDS = Path(__file__).with_name("style_words.toml")
LONGEST = 35  # words of a sentence

# Tables that tools write: lists of names and keys.
MADE = {"docs/names.md", "docs/recipes/reference.md"}
_BLOCK = re.compile(r"^( *)```.*?^\1```[^\n]*$|^~~~.*?^~~~$|^:::.*?^:::$|<!--.*?-->", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(r"^(\||#|    |:::).*$", re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\([^)]*\)|<https?:[^>]*>")
# A row of parameters, `name  what it is`, is a piece by itself, as a row of a table is.
_NAMES = r"[*\w.\[\]\"'=-]+(?:, [*\w.\[\]\"'=-]+)*"
_PARAGRAPH = re.compile(rf"\n\s*\n|\n(?=\s*[-*] |\s*\d+\. |\s*{_NAMES} {{2,}}\S|{_NAMES}\n {{4,}}\S)")
# A colon or a semicolon ends no sentence: a reader has to keep what came before it.
_SENTENCE = re.compile(r"(?<=[.!?])[\")]*\s+(?=[A-Z0-9`\"'(\[])")
_WORD = re.compile(r"[A-Za-z][\w'-]*")
_CPP_DOC = re.compile(r'R"\((.*?)\)"', re.DOTALL)
_CPP_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_SECTION = re.compile(r"^\s*(?:Shapes|Dtypes|Errors|Grad|Numerics|Units|Source|Example)\b.*", re.DOTALL | re.MULTILINE)


class Text(NamedTuple):
    """A piece of prose: where it begins, and whether it is written in sentences."""

    line: int
    text: str
    sentences: bool


def texts(path: Path) -> Iterator[Text]:
    """What people read of a file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield Text(1, _blanked(source), True)
    elif path.suffix == ".py":
        yield from _of_python(source)
    else:
        for found in (*_CPP_DOC.finditer(source), *_CPP_TEXT.finditer(source)):
            yield Text(source.count("\n", 0, found.start()) + 1, found[1], False)


def _blanked(text: str) -> str:
    """A page without its code, each line where it was."""
    text = _BLOCK.sub(lambda found: "\n" * found[0].count("\n"), text)
    return _CODE.sub(lambda found: "X" + "\n" * found[0].count("\n"), text)


def _of_python(source: str) -> Iterator[Text]:
    seen = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node)
            if said:
                line = getattr(node.body[0], "lineno", 1)
                seen.add(line)
                yield Text(line, _CODE.sub("X", _SECTION.sub("", said)), True)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.lineno not in seen:
            # messages, help of the command, what parameters are for
            yield Text(node.lineno, node.value, False)


def long_sentences(text: str) -> Iterator[tuple[int, str]]:
    """The sentences with more than LONGEST words, with the line in which their paragraph begins."""
    prose = _LINK.sub("]", _NOT_PROSE.sub("", text))
    at = 0
    for paragraph in _PARAGRAPH.split(prose):
        at = prose.index(paragraph, at)
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if len(_WORD.findall(sentence)) > LONGEST:
                yield prose.count("\n", 0, at) + 1, sentence
        at += len(paragraph)


def files() -> list[Path]:
    """The files that are looked at."""
    pages = [path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if "docs/api/" not in path.as_posix()]
    pages.remove(ROOT / "CHANGELOG.md")  # what releases said
    python = [*ROOT.glob("python/powertrain/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    return sorted([*pages, *python, *ROOT.glob("cpp/**/*.cpp"), *ROOT.glob("cpp/**/*.h")])


@functools.cache
def words() -> list[tuple[re.Pattern[str], str]]:
    """What is not written, and what is instead."""
    table = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    return [(re.compile(rf"\b(?:{word})\b", re.IGNORECASE), instead) for word, instead in table.items()]


def complaints(path: Path, name: str) -> list[str]:
    """What is wrong with a file."""
    found = []
    for text in texts(path):
        for pattern, instead in words():
            for hit in pattern.finditer(text.text):
                line = text.line + text.text.count("\n", 0, hit.start())
                found.append(f'[style {name}:{line}] "{hit[0]}"; readers do not know this word; write {instead}')
        if text.sentences and name not in MADE:
            found += [
                f"[style {name}:{text.line + at - 1}] a sentence of {len(_WORD.findall(sentence))} words; expected at "
                f"most {LONGEST}; make two of it: {sentence[:60]}..."
                for at, sentence in long_sentences(text.text)
            ]
    return found


def check(paths: Iterable[Path]) -> list[str]:
    """What is wrong with all files."""
    return [said for path in paths for said in complaints(path, path.relative_to(ROOT).as_posix())]


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = check(files())
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
