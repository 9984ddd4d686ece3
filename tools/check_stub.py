"""Type-check the package against the stubs that a build made: `check_stub.py build/main/__init__.pyi`.

That of powertrain.nn.functional lies beside it, as functional.pyi. In the source tree ops are Any, so that mypy does
not see a call there that a stub refuses. tests/project/result_types.py says what calls must give. Needs mypy, which
`make lint` holds at one version, and nothing of the package's own environment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests" / "project" / "result_types.py"


def check(stub: Path) -> int:
    """The exit code of mypy on a copy of the package with that stub."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "powertrain"
        shutil.copytree(ROOT / "python" / "powertrain", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        shutil.copyfile(stub, package / "__init__.pyi")
        shutil.copyfile(stub.with_name("functional.pyi"), package / "nn" / "functional" / "__init__.pyi")
        shutil.copy(RESULTS, folder)
        command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", "cache"]
        return subprocess.run([*command, "powertrain", RESULTS.name], cwd=folder, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        given = " ".join(arguments) or "nothing"
        print(f"[check_stub] {given}; expected the stub of a build; build one: make wheel", file=sys.stderr)
        return 2
    return check(Path(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
