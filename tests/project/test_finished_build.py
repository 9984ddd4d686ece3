"""A copy of the tree takes from the tree's own build what it would compile to the same bytes, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from finished_build import FinishedBuild

DEPS = "{unit}: #deps 2, deps mtime 1 ({state})\n    ../../cpp/{source}\n    ../../cpp/shared.h\n\n"


def written(path: Path, text: str, time: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (time, time))


def tree(folder: Path, options: str = "-O2") -> Path:
    """Two files that include a header, and how they are compiled."""
    build = folder / "build" / "main"
    for name in ("one.cpp", "two.cpp", "shared.h"):
        written(folder / "cpp" / name, name, 100)
    commands = [
        {"output": str(build / name), "command": f"c++ {options} -I{folder}/cpp -o {name}"}
        for name in ("one.o", "two.o")
    ]
    written(build / "compile_commands.json", json.dumps(commands), 100)
    return build


@pytest.fixture
def made(tmp_path: Path) -> FinishedBuild:
    """A tree that is built, whose ninja says what its objects were made from."""
    build = tree(tmp_path / "real")
    for name in ("one.o", "two.o"):
        written(build / name, "", 200)
    told = "".join(DEPS.format(unit=f"{name}.o", source=f"{name}.cpp", state="VALID") for name in ("one", "two"))
    written(tmp_path / "bin" / "ninja", f"#!/bin/sh\ncat <<'END'\n{told}END\n", 100)
    (tmp_path / "bin" / "ninja").chmod(0o755)
    written(build / "CMakeCache.txt", f"CMAKE_MAKE_PROGRAM:FILEPATH={tmp_path}/bin/ninja\n", 100)
    return FinishedBuild(tmp_path / "real", build)


def test_a_copy_takes_all_objects(made: FinishedBuild, tmp_path: Path) -> None:
    assert made.same_objects(tmp_path / "copy", tree(tmp_path / "copy")) == {"one.o", "two.o"}


def test_who_is_made_from_a_changed_file_is_compiled(made: FinishedBuild, tmp_path: Path) -> None:
    build = tree(tmp_path / "copy")
    written(tmp_path / "copy" / "cpp" / "one.cpp", "another", 100)
    assert made.same_objects(tmp_path / "copy", build) == {"two.o"}
    written(tmp_path / "copy" / "cpp" / "shared.h", "another", 100)
    assert made.same_objects(tmp_path / "copy", build) == set()


def test_another_command_makes_another_object(made: FinishedBuild, tmp_path: Path) -> None:
    assert made.same_objects(tmp_path / "copy", tree(tmp_path / "copy", "-O0")) == set()


def test_an_object_that_is_older_than_its_file_is_not_taken(made: FinishedBuild, tmp_path: Path) -> None:
    written(tmp_path / "real" / "cpp" / "two.cpp", "two.cpp", 300)
    assert made.same_objects(tmp_path / "copy", tree(tmp_path / "copy")) == {"one.o"}
