"""Whether this engine is a version that an installed distribution asks for."""

from __future__ import annotations

import importlib.metadata
import operator
import re
from collections.abc import Callable, Iterable

from powertrain.plugin.discovery import normalise

Release = tuple[int, ...]
_REQUIREMENT = re.compile(r"\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?\s*([^;)]*?)\s*\)?\s*(;.*)?$", re.ASCII)
_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>)\s*v?(\d+(?:\.\d+)*)(\.\*)?", re.ASCII)
_COMPARED: dict[str, Callable[[Release, Release], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip


def asked_of(distribution: str, engine: str) -> list[str]:
    """The versions of the engine that a distribution asks for, such as `>=0.1,<0.2`: one for each line that it has."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found = (_REQUIREMENT.match(line) for line in lines)
    # A line with a condition is one of an extra, or of another Python.
    return [one[2] for one in found if one and not one[3] and normalise(one[1]) == engine and one[2]]


def fits(version: str, clauses: Iterable[str]) -> bool:
    """Whether a version is among those asked for. A development version counts as the one that it becomes."""
    return all(_fits(version, one) for asked in clauses for one in asked.split(",") if one.strip())


def _fits(version: str, clause: str) -> bool:
    found = _CLAUSE.match(clause.strip())
    if found is None:  # what pip understands and this does not is pip's to judge
        return True
    if found[1] == "===":
        return version == found[2]
    have, sign, wanted, begin = _release(version), found[1], _release(found[2]), bool(found[3])
    if sign == "~=":
        return _cut(have, len(wanted)) >= wanted and _cut(have, len(wanted) - 1) == wanted[:-1]
    if begin and sign in ("==", "!="):
        return (_cut(have, len(wanted)) == wanted) is (sign == "==")
    size = max(len(have), len(wanted))
    left, right = _cut(have, size), _cut(wanted, size)
    return left != right if sign == "!=" else _COMPARED[sign](left, right)


def _release(version: str) -> Release:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(one) for one in found[1].split(".")) if found else (0,)


def _cut(release: Release, size: int) -> Release:
    """The first numbers of a release, with zeros for those that it does not say."""
    return (*release, *[0] * size)[:size]


def next_breaking(version: str) -> str:
    """The version that may break what this one kept: the next minor one before 1.0, the next major one after."""
    major, minor = _cut(_release(version), 2)
    return f"{major + 1}" if major else f"0.{minor + 1}"


def from_to(version: str) -> str:
    """What a distribution that is written with a version asks for."""
    return f">={'.'.join(map(str, _cut(_release(version), 2)))},<{next_breaking(version)}"
