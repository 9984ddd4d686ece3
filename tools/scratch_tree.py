"""A copy of the source tree that can be changed and built without touching the real one."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import powertrain

ROOT = Path(__file__).parent.parent
COPIED = ("cpp", "cmake", "python", "tests", "benchmarks", "CMakeLists.txt", "pyproject.toml")


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
            "PYTHONPATH": str(folder / "python"),
        }

    def build(self) -> None:
        """Compile the extension module into the copy's own package; raises with the compiler's words."""
        build = self.folder / "build" / "main"
        pybind11 = self._run([sys.executable, "-m", "pybind11", "--cmakedir"]).stdout.strip()
        options = ["-DSKBUILD=ON", "-DSKBUILD_PROJECT_VERSION=0.0", "-DPOWERTRAIN_WERROR=OFF"]
        # The one that runs here: a third of the work.
        options += [f"-DPOWERTRAIN_ISAS={powertrain.isa()}"]
        options += [f"-DPython_EXECUTABLE={sys.executable}", f"-Dpybind11_DIR={pybind11}"]
        self._run(["cmake", "-S", str(self.folder), "-B", str(build), "-G", "Ninja", *options])
        self._run(["cmake", "--build", str(build), "--target", "_core"])
        for module in build.glob("_core*.so"):
            shutil.copy2(module, self.folder / "python" / "powertrain")

    def pytest(self, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return self._call(command, seconds)

    def python(self, code: str) -> str:
        return self._run([sys.executable, "-c", code]).stdout.strip()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        done = self._call(command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def _call(self, command: list[str], seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, timeout=seconds, capture_output=True, text=True, check=False
        )
