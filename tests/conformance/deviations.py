"""The expected failures: the table of docs/conformance.md, the one place where they stand with their reasons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from conformance import array_tests
from conformance.outcome import Outcome

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "conformance.md"
HEADING = "## What fails by choice in other people's suites"
# What each suite comes with.
SOURCES = {"OpInfo": "torch", "ModuleInfo": "torch", "ONNX": "onnx", "optimizers": "torch",
           "array API": "array-api-strict"}  # fmt: skip

BEGIN, END = "<!-- counts: written by make conformance -->", "<!-- end of counts -->"


def origin(suite: str) -> str:
    """What a suite came with, and its version."""
    if suite == "array-api-tests":
        return f"commit {array_tests.commit()}"
    return f"{SOURCES[suite]} {version(SOURCES[suite]).split('+')[0]}"


@dataclass(frozen=True)
class Deviation:
    """One row. `of` is names, or empty for any; `says` is part of what failed says, `most` how many there may be."""

    suite: str
    of: tuple[str, ...]
    kind: str
    says: str
    most: int
    why: str

    def covers(self, name: str, outcome: Outcome) -> bool:
        return outcome.kind == self.kind and (not self.of or name in self.of) and self.says in outcome.detail


def listed(suite: str) -> list[Deviation]:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text[text.index(HEADING) :].split("\n\n")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    found = []
    for row in rows:
        names = () if row[1] == "any" else tuple(re.findall(r"`([^`]+)`", row[1]))
        found.append(Deviation(row[0], names, row[2], row[3].strip("`"), int(row[4]), row[5]))
    return [one for one in found if one.suite == suite]


@dataclass
class Result:
    """All of one suite: counts by what became of the samples, missing arguments, and what no row explains."""

    suite: str
    passed: int
    deviating: Counter[Deviation]
    missing: Counter[tuple[str, str]]
    unexplained: list[tuple[str, Outcome]]

    def problems(self) -> list[str]:
        lines = [f"{name}: {one.kind} in {one.where}: {one.detail}" for name, one in self.unexplained]
        for row, count in self.deviating.items():
            about = f"{row.suite}: {row.kind} {row.says!r} of {', '.join(row.of) or 'any'}"
            if count == 0:
                lines.append(f"{about} no longer fails; take its row out of docs/conformance.md")
            elif count > row.most:
                lines.append(f"{about}: {count} samples, of which docs/conformance.md expects at most {row.most}")
        return lines


def collect(suite: str, outcomes: Iterable[tuple[str, Outcome]]) -> Result:
    rows = listed(suite)
    result = Result(suite, 0, Counter(dict.fromkeys(rows, 0)), Counter(), [])
    for name, outcome in outcomes:
        row = next((row for row in rows if row.covers(name, outcome)), None) if outcome.failed else None
        if outcome.kind == "passed":
            result.passed += 1
        elif outcome.kind == "not offered":
            result.missing[name, outcome.detail] += 1
        elif row:
            result.deviating[row] += 1
        else:
            result.unexplained.append((name, outcome))
    return result


def counts(results: Iterable[Result]) -> str:
    """The table of counts, with the lines that are in the document for suites that did not run."""
    lines = kept_lines()
    for one in results:
        numbers = (one.passed, len(one.unexplained), sum(one.deviating.values()), sum(one.missing.values()))
        lines[one.suite] = f"| {one.suite} | " + " | ".join(f"{number:,}" for number in numbers)
        lines[one.suite] += f" | {origin(one.suite)} |"
    head = ["| suite | passed | failed | deviating by choice | not offered | of |", "|---|---|---|---|---|---|"]
    return "\n".join([BEGIN, *head, *lines.values(), END])


def kept_lines() -> dict[str, str]:
    document = DOCUMENT.read_text(encoding="utf-8")
    table = document[document.index(BEGIN) : document.index(END)].splitlines()
    return {line.split("|")[1].strip(): line for line in table[3:]}


def write_counts(text: str) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    before, after = document[: document.index(BEGIN)], document[document.index(END) + len(END) :]
    DOCUMENT.write_text(before + text + after, encoding="utf-8")
