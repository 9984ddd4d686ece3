"""Lay out powertrain-cuda for the simulator as an import finds it: `lay_out_cuda.py BUILD_FOLDER TARGET`.

With TARGET on the path of Python and POWERTRAIN_CUDA_DRIVER=sim, powertrain finds a GPU.
"""

import shutil
import sys
from pathlib import Path

from requirements import ROOT, read

LIBRARIES = ("libpowertrain_cuda.so", "libpowertrain_cuda_sim.so", "libpowertrain_cublaslt_sim.so")


def put(source: Path, target: Path) -> None:
    """Copy under another name first: a library that a process has open must not change."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.copy2(source, fresh)
    fresh.replace(target)


def main() -> None:
    build, target = Path(sys.argv[1]), Path(sys.argv[2])
    plugin = ROOT / "plugins" / "cuda"
    project = read(plugin / "pyproject.toml")["project"]
    package = target / "powertrain_cuda"
    package.mkdir(parents=True, exist_ok=True)
    for file in sorted((plugin / "src" / "powertrain_cuda").glob("*.py")):
        put(file, package / file.name)
    for name in LIBRARIES:
        put(build / "cpp" / "cuda" / name, package / name)
    about = target / f"powertrain_cuda-{project['version']}.dist-info"
    about.mkdir(exist_ok=True)
    points = [
        line
        for group, named in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in named.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (about / "METADATA").write_text(header, encoding="utf-8")


if __name__ == "__main__":
    main()
