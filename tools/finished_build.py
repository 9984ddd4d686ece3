"""Objects of a finished build of this tree, for a copy of the tree in which a few files differ."""

from __future__ import annotations

import filecmp
import functools
import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path

# What decides how objects are compiled, of all that CMake remembers; a copy chooses its instruction sets itself.
OPTION = re.compile(
    r"^((?:SKBUILD|Python_|PYTHON_|POWERTRAIN_(?!ISAS|BUILD_TESTS|CUDA)|pybind11_DIR|CMAKE_BUILD_TYPE|CMAKE_PREFIX_PATH"
    r"|CMAKE_CXX_COMPILER:|CMAKE_CXX_FLAGS:)[^=]*=.*)$",
    re.MULTILINE,
)


def commands_of(build: Path) -> dict[str, str]:
    """How each object of a build folder is compiled."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return {os.path.relpath(build / entry["output"], build): entry["command"] for entry in entries}


class FinishedBuild:
    """The build folder of the tree at `root` in which the extension module of this Python was made."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder

    @classmethod
    def of(cls, root: Path) -> FinishedBuild | None:
        """That of `make`, where there is one: the wheel is built in it."""
        name = f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
        for module in (*(root / "build").glob(f"main/{name}"), *(root / "build").glob(f"*/main/{name}")):
            build = cls(root, module.parent)
            if (build.folder / ".ninja_deps").exists() and Path(build._ninja()).is_file():
                return build
        return None

    def options(self) -> list[str]:
        """The options with which CMake makes the same commands for a copy."""
        return [f"-D{option}" for option in OPTION.findall(self._cache())]

    def same_objects(self, tree: Path, build: Path) -> set[str]:
        """The objects that a copy would compile to the same bytes: by the same command, from files that are equal, and
        that have not changed since they were compiled here."""
        own, theirs = commands_of(self.folder), commands_of(build)
        places = {str(build): "@build", str(self.folder): "@build", str(tree): "@tree", str(self.root): "@tree"}

        def placeless(command: str) -> str:
            for place, name in places.items():
                command = command.replace(place, name)
            return command

        @functools.cache
        def changed(file: Path) -> float:
            """When a file of the tree was changed; never, for those of the system; in the future, where the copy's
            differs."""
            if file.is_relative_to(self.folder):
                other = build / file.relative_to(self.folder)
            elif file.is_relative_to(self.root / "cpp"):
                other = tree / file.relative_to(self.root)
            else:
                return 0.0
            if file.suffix == ".gch":  # the headers that it was made from are named as well
                return 0.0
            same = other.exists() and file.exists() and filecmp.cmp(file, other, shallow=False)
            return file.stat().st_mtime if same else float("inf")

        def same(unit: str, files: list[Path]) -> bool:
            made = self.folder / unit
            if unit not in own or unit not in theirs or placeless(own[unit]) != placeless(theirs[unit]):
                return False
            return bool(files) and made.exists() and max(map(changed, files)) <= made.stat().st_mtime

        return {unit for unit, files in self._sources().items() if same(unit, files)}

    def _cache(self) -> str:
        return (self.folder / "CMakeCache.txt").read_text(encoding="utf-8")

    def _ninja(self) -> str:
        """The one that made the build: another that is older removes the logs that it cannot read."""
        return "".join(re.findall(r"^CMAKE_MAKE_PROGRAM:\w+=(.*)$", self._cache(), re.MULTILINE))

    def _sources(self) -> dict[str, list[Path]]:
        """The files from which each object was compiled."""
        command = [self._ninja(), "-t", "deps"]
        told = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        found: dict[str, list[Path]] = {}
        files: list[Path] = []
        for line in told.stdout.splitlines():
            if line.startswith(" "):
                files.append(Path(os.path.normpath(self.folder / line.strip())))
            elif line:
                files = []
                if line.endswith("(VALID)"):
                    found[line.partition(":")[0]] = files
        return found
