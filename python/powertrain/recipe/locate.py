"""Where each key of a TOML text stands. tomllib gives values without lines, and an error without its line is a search.

The text has already been parsed when this runs, so the scan trusts it: it only follows strings, comments, brackets and
keys, and ends quietly at whatever it does not know.
"""

from __future__ import annotations

Path = tuple[str | int, ...]
BARE_END = " \t\r\n=.,#[]{}\"'"


def locate(text: str) -> dict[Path, int]:
    """Line numbers, from 1, of every key path; elements of arrays have their index in the path."""
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}  # how many [[headers]] of an array of tables came so far

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def step(self, count: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def blank(self, newlines: bool = True) -> None:
        while self.peek() and self.peek() in (" \t\r\n#" if newlines else " \t#"):
            if self.peek() == "#":
                end = self.text.find("\n", self.at)
                self.step((end if end >= 0 else len(self.text)) - self.at)
                if not newlines:
                    return
            else:
                self.step()

    def note(self, path: Path) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self.line)

    def document(self) -> None:
        prefix: Path = ()
        while True:
            self.blank()
            before = self.at
            if not self.peek():
                return
            if self.peek() == "[":
                prefix = self.header()
            else:
                self.pair(prefix)
            if self.at == before:
                return

    def header(self) -> Path:
        many = self.text.startswith("[[", self.at)
        self.step(2 if many else 1)
        keys = self.keys()
        path: Path = ()
        for at, key in enumerate(keys):
            path = (*path, key)
            if many and at == len(keys) - 1:
                self.tables[path] = self.tables.get(path, 0) + 1
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        self.note(path)
        self.step(2 if many else 1)
        return path

    def keys(self) -> list[str]:
        keys = [self.key()]
        self.blank(newlines=False)
        while self.peek() == ".":
            self.step()
            keys.append(self.key())
            self.blank(newlines=False)
        return keys

    def key(self) -> str:
        self.blank(newlines=False)
        if self.peek() in ("'", '"'):
            start = self.at
            self.string()
            return self.text[start + 1 : self.at - 1]
        start = self.at
        while self.peek() and self.peek() not in BARE_END:
            self.step()
        return self.text[start : self.at]

    def pair(self, prefix: Path) -> None:
        line = self.line
        path: Path = (*prefix, *self.keys())
        self.note(path)
        self.lines[path] = line
        self.blank(newlines=False)
        if self.peek() == "=":
            self.step()
            self.value(path)

    def value(self, path: Path) -> None:
        self.blank()
        if self.peek() in ("'", '"'):
            self.string()
        elif self.peek() == "[":
            self.sequence(path)
        elif self.peek() == "{":
            self.inline(path)
        else:
            while self.peek() and self.peek() not in ",]}\n#":
                self.step()

    def sequence(self, path: Path) -> None:
        self.step()
        index = 0
        self.blank()
        while self.peek() and self.peek() != "]":
            before = self.at
            self.note((*path, index))
            self.value((*path, index))
            self.blank()
            if self.peek() == ",":
                self.step()
                self.blank()
            index += 1
            if self.at == before:
                return
        self.step()

    def inline(self, path: Path) -> None:
        self.step()
        self.blank()
        while self.peek() and self.peek() != "}":
            before = self.at
            self.pair(path)
            self.blank()
            if self.peek() == ",":
                self.step()
                self.blank()
            if self.at == before:
                return
        self.step()

    def string(self) -> None:
        quote = self.peek()
        long = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if long else quote
        self.step(len(end))
        while self.peek() and not self.text.startswith(end, self.at):
            self.step(2 if quote == '"' and self.peek() == "\\" else 1)
        self.step(len(end))
        while long and self.peek() == quote:  # a long string may end in quotes of its own
            self.step()
