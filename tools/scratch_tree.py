"""A copy of the source tree that can be changed and built without touching the real one."""

from __future__ import annotations

import filecmp
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import powertrain
from finished_build import FinishedBuild, commands_of

ROOT = Path(__file__).parent.parent
COPIED = ("cpp", "cmake", "python", "tests", "benchmarks", "CMakeLists.txt", "pyproject.toml")
UNOPTIMIZED = dict.fromkeys(("-O1", "-O2", "-O3", "-Os"), "-O0")


def _copy(source: str | Path, target: str | Path) -> None:
    """Ninja goes by times: with the source's own, what was compiled from a changed file would pass for the original."""
    if not (Path(target).exists() and filecmp.cmp(source, target, shallow=False)):
        shutil.copyfile(source, target)


class ScratchTree:
    """The tree at `folder`; Python in a child process imports powertrain from it once it is built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            source, target = ROOT / name, folder / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.so")
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored, copy_function=_copy)
            else:
                _copy(source, target)
        # With the wheel's compiler and paths relative to the tree, ccache knows files that the real tree has compiled.
        self.environment = {
            "CXX": (sysconfig.get_config_var("CXX") or "c++").split()[0],
            # Without what pytest tells its workers: the suites of the copy are nobody's worker.
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "CCACHE_BASEDIR": str(folder),
            "CCACHE_NOHASHDIR": "1",
            "CCACHE_DEPEND": "1",
            # Its files are new, and nobody changes them while they are compiled.
            "CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime",
            "PYTHONPATH": str(folder / "python"),
        }

    def build(self) -> None:
        """Compile the extension module into the copy's own package; raises with the compiler's words."""
        pybind11 = self._run([sys.executable, "-m", "pybind11", "--cmakedir"]).stdout.strip()
        options = ["-DSKBUILD=ON", "-DSKBUILD_PROJECT_VERSION=0.0", "-DPOWERTRAIN_WERROR=OFF"]
        self._configure([*options, f"-DPython_EXECUTABLE={sys.executable}", f"-Dpybind11_DIR={pybind11}"])
        self._run(["cmake", "--build", str(self._build), "--target", "_core"])
        self.copy_module(self)

    def build_what_differs(self) -> None:
        """As `build`, with the objects of the real tree's own build where a copy would have the same ones. Kernels are
        not optimized: they give the same bits, and most of the time would go into it. Once, for the build is left
        unfinished."""
        real = FinishedBuild.of(ROOT)
        if real is None:
            self.build()
            return
        self._configure(real.options())
        known, (words, _) = self._commands(), self._link()
        same = real.same_objects(self.folder, self._build)
        differ = [word for word in words if word in known and word not in same]
        # Who includes the precompiled header is compiled as it was.
        if by_ninja := [unit for unit in differ if "-include" in known[unit]]:
            self._run(["ninja", *by_ninja], self._build)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            apart = [unit for unit in differ if unit not in by_ninja]
            list(pool.map(lambda unit: self._compile_unoptimized(unit, known[unit]), apart))
        self._run([str(real.folder / word) if word in same else word for word in words], self._build)
        self.copy_module(self)

    def _compile_unoptimized(self, unit: str, command: list[str]) -> None:
        (self._build / unit).parent.mkdir(parents=True, exist_ok=True)
        self._run([UNOPTIMIZED.get(word, word) for word in command], self._build)

    def _configure(self, options: list[str]) -> None:
        # The instruction set that runs here: a third of the work.
        options = [*options, f"-DPOWERTRAIN_ISAS={powertrain.isa()}"]
        self._run(["cmake", "-S", str(self.folder), "-B", str(self._build), "-G", "Ninja", *options])

    def _link(self) -> tuple[list[str], str]:
        """The command that links the extension module, and the module's name in it."""
        link = shlex.split(self._run(["ninja", "-t", "commands", "_core"], self._build).stdout.splitlines()[-1])
        words = link[link.index("&&") + 1 :]
        words = words[: words.index("&&")] if "&&" in words else words
        return words, next(word for word in words if word.startswith("_core") and word.endswith(".so"))

    def copy_module(self, to: ScratchTree) -> None:
        """What was built here is what Python imports from there."""
        for module in self._build.glob("_core*.so"):
            shutil.copy2(module, to.folder / "python" / "powertrain")

    def can_build_apart(self, file: str) -> bool:
        """Whether the files that include a file can be compiled beside the build: a precompiled header is in all."""
        known = self._commands()
        return all(unit in known for unit in self._units_of(file))

    def build_apart(self, file: str, to: ScratchTree) -> None:
        """After a build and a change of one file: the module into another tree, while the build stays as it was.

        Ninja would compile a file that was changed for a moment twice, and each time look at all the others.
        """
        build, known, units = self._build, self._commands(), self._units_of(file)
        aside = {unit: f"changed/{number}.o" for number, unit in enumerate(units)}
        (build / "changed").mkdir(exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda unit: self._run([aside.get(word, word) for word in known[unit]], build), units))
        words, module = self._link()
        made = str(to.folder / "python" / "powertrain" / module)
        self._run([made if word == module else aside.get(word, word) for word in words], build)

    @property
    def _build(self) -> Path:
        return self.folder / "build" / "main"

    def _commands(self) -> dict[str, list[str]]:
        """How each object is compiled."""
        return {unit: shlex.split(command) for unit, command in commands_of(self._build).items()}

    def _units_of(self, file: str) -> list[str]:
        """The objects that were compiled from a file, or from one that includes it."""
        found, unit = [], ""
        for line in self._run(["ninja", "-t", "deps"], self._build).stdout.splitlines():
            if line.startswith(" "):
                if os.path.normpath(self._build / line.strip()) == str(self.folder / file):
                    found.append(unit)
            else:
                unit = line.split(":")[0]
        return found

    def pytest(self, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return self._call(command, seconds)

    def python(self, code: str) -> str:
        return self._run([sys.executable, "-c", code]).stdout.strip()

    def _run(self, command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = self._call(command, folder=folder)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def _call(
        self, command: list[str], seconds: float | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.environment,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
