"""Print what pyproject.toml requires, one requirement a line: `requirements.py build run test cli ...`.

`build` is [build-system], `run` the package's own dependencies, anything else an extra. Runs before anything is
installed, so it may use the standard library alone.
"""

import sys
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10; goes when 3.11 is the oldest supported
    from pip._vendor import tomli as tomllib


def main() -> None:
    pyproject = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    project = pyproject["project"]
    named = {
        **project["optional-dependencies"],
        "build": pyproject["build-system"]["requires"],
        "run": project["dependencies"],
    }
    for name in sys.argv[1:]:
        if name not in named:
            sys.exit(f"[requirements] {name!r}; expected one of {', '.join(sorted(named))}; add it to pyproject.toml")
        print(*named[name], sep="\n")


if __name__ == "__main__":
    main()
