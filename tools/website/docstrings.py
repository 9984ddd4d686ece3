"""Docstrings as Markdown: their rows of parameters, their sections (Shapes, Dtypes, Errors ...) and their examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field

SECTIONS = ("Shapes", "Dtypes", "Errors", "Grad", "Numerics", "Units", "Source")
_SECTION = re.compile(rf"({'|'.join(SECTIONS)})\s\s+(\S.*)")
_EXAMPLE = re.compile(r"Example\s*(>>> .*)?")
_NAMES = r"[*\w.=\[\]\"'-]+(?:, [*\w.=\[\]\"'-]+)*"
_ROW = re.compile(rf"({_NAMES})\s\s+(\S.*)")
_ROW_ALONE = re.compile(rf"{_NAMES}")
_CODE = re.compile(r"(`+[^`]+`+)")
_PAGE = re.compile(r"(?<!`)docs/[\w/-]+\.md")
_PUNCTUATION = re.compile(r"([\\*_<>\[\]|$~{}])")


@dataclass
class Docstring:
    """The parts of a docstring, in the order in which they stand."""

    paragraphs: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    sections: list[tuple[str, str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)  # paragraphs behind the rows
    examples: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The first sentence."""
        first = self.paragraphs[0] if self.paragraphs else ""
        return re.split(r"(?<=[a-z0-9)`\]])\. (?=[A-Z`])", first)[0].removesuffix(".")


class _Lines:
    def __init__(self, text: str) -> None:
        self.lines = inspect.cleandoc(text).splitlines()
        self.at = 0

    def left(self) -> bool:
        return self.at < len(self.lines)

    def take(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def is_next(self, wanted: Callable[[str], bool]) -> bool:
        return self.left() and wanted(self.lines[self.at])

    def indented(self, first: str = "") -> str:
        """What follows that is indented, as one line."""
        found = [first] if first else []
        while self.is_next(lambda line: line.startswith(" ")):
            found.append(self.take().strip())
        return " ".join(found)

    def block(self) -> str:
        """What follows that is indented or empty, as it stands."""
        found = []
        while self.is_next(lambda line: line.startswith(" ") or not line.strip()):
            found.append(self.take())
        return inspect.cleandoc("\n".join(found))

    def until_empty(self) -> str:
        found = []
        while self.is_next(lambda line: bool(line.strip())):
            found.append(self.take())
        return "\n".join(found)


def parse(text: str | None) -> Docstring:
    """Read a docstring."""
    found, lines = Docstring(), _Lines(text or "")
    while lines.left():
        line = lines.take()
        if not line.strip():
            continue
        if section := _SECTION.fullmatch(line):
            found.sections.append((section[1], lines.indented(section[2])))
        elif example := _EXAMPLE.fullmatch(line):
            found.examples.append("\n".join(filter(None, [example[1], lines.block()])))
        elif line.startswith(">>>"):
            found.examples.append("\n".join(filter(None, [line, lines.until_empty()])))
        elif row := _ROW.fullmatch(line):
            found.rows.append((row[1], lines.indented(row[2])))
        elif _ROW_ALONE.fullmatch(line) and lines.is_next(lambda line: line.startswith("    ")):
            found.rows.append((line, lines.indented()))
        elif line.startswith("    "):
            lines.at -= 1
            _behind(found).append(f"```text\n{lines.block()}\n```")
        else:
            _behind(found).append(_paragraph(line, lines))
    return found


def _behind(found: Docstring) -> list[str]:
    return found.after if found.rows or found.sections else found.paragraphs


def _paragraph(first: str, lines: _Lines) -> str:
    def goes_on(line: str) -> bool:
        return bool(line.strip()) and not any(form.fullmatch(line) for form in (_SECTION, _EXAMPLE, _ROW))

    found = [first]
    while lines.is_next(goes_on) and not lines.lines[lines.at].startswith(">>>"):
        found.append(lines.take().strip())
    return " ".join(found)


def prose(text: str) -> str:
    """Text for Markdown: code stays as it is, signs with a meaning there are escaped."""
    parts = _CODE.split(_PAGE.sub(r"`\g<0>`", text))
    escaped = [part if at % 2 else _PUNCTUATION.sub(r"\\\1", part) for at, part in enumerate(parts)]
    return re.sub(r"^([-+#]|\d+[.)])(?=\s)", r"\\\1", "".join(escaped))


def cell(text: str) -> str:
    """The same inside of a table, where a bar ends a cell even in code."""
    return re.sub(r"(?<!\\)\|", r"\\|", prose(text))


def markdown(found: Docstring) -> list[str]:
    """A docstring as lines of Markdown."""
    lines: list[str] = []
    for paragraph in found.paragraphs:
        lines += [paragraph if paragraph.startswith("```") else prose(_sentence(paragraph)), ""]
    if found.rows:
        lines += ["| Parameter | Meaning |", "| --- | --- |"]
        lines += [f"| {_names(name)} | {cell(text)} |" for name, text in found.rows]
        lines += [""]
    for paragraph in found.after:
        lines += [paragraph if paragraph.startswith("```") else prose(paragraph), ""]
    lines += [f":{name}: {prose(text)}" for name, text in found.sections]
    lines += [""] if found.sections else []
    for example in found.examples:
        lines += ["**Example**", "", "```pycon", *example.splitlines(), "```", ""]
    return lines


def _sentence(text: str) -> str:
    # A formula, such as x @ weight or p -= lr g, begins with a letter that is a name.
    return text[:1].upper() + text[1:] if re.match(r"[a-z][a-z]+(?:[ ,]|-[a-z])", text) else text


def _names(text: str) -> str:
    return ", ".join(f"`{name}`" for name in text.split(", "))
