"""Python source as text for language models: the standard library of the Python that runs, or a folder of files."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from powertrain.data import DataError, DataModule, permutation, read_text
from powertrain.plugin import param
from powertrain_text.data import Corpus, TokenParams, of_parts

WHERE = "python-source"
FILE = "\x1c"  # on a line before each file: the control character "file separator", which no source has
# Of the standard library: what others installed, tests, and tables that nobody wrote by hand.
LEFT_OUT = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "encodings", "pydoc_data",
     "__pycache__"}
)  # fmt: skip


class PythonSource(Corpus):
    """Files of Python source, each whole in one part. Without a path: the standard library of the Python that runs,
    some 9 MB, without tests and tables."""

    examples = ({"path": "tokenizer.py", "context": 4, "valid": 0.0},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True, kw_only=True)
    class Params(TokenParams):
        path: Path | None = param(None, doc="a .py file, or a folder of such, also further below; else the library")
        seed: int = param(0, low=0, doc="which files are held out")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        root = base / params.path if params.path else Path(sysconfig.get_path("stdlib"))
        files = [root] if root.is_file() else sorted(root.rglob("*.py"))
        if not params.path:
            files = [file for file in files if not LEFT_OUT & set(file.relative_to(root).parts)]
        texts = [read_text(file, WHERE).replace(FILE, " ") for file in files]
        if not any(map(str.strip, texts)):
            raise DataError(
                WHERE, f"no source in {root}", "expected .py files", "set data.path to a folder that has some"
            )
        parts = divided([f"{FILE}\n{text.strip()}\n" for text in texts if text.strip()], params.parts(), params.seed)
        return of_parts(WHERE, {part: "".join(chosen) for part, chosen in parts.items()}, params, base)


def divided(texts: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, list[str]]:
    """The texts of each part, dealt out in a random order. A part takes a text that is no larger than what it lacks of
    its share of the characters; training takes the others."""
    whole = sum(map(len, texts))
    parts: dict[str, list[str]] = {"train": [], **{part: [] for part in shares}}
    lacking = {part: share * whole for part, share in shares.items()}
    for at in permutation(len(texts), seed).tolist():
        part = next((name for name, room in lacking.items() if len(texts[at]) <= room), "train")
        parts[part].append(texts[at])
        if part in lacking:
            lacking[part] -= len(texts[at])
    empty = next((part for part, chosen in parts.items() if not any(chosen)), None)
    if empty:
        raise DataError(
            WHERE, f"{len(texts):,} files, none of them for {empty}", "expected some for each part",
            "bring more files, or take a larger share",
        )  # fmt: skip
    return parts
