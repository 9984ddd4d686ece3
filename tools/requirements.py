"""Print what pyproject.toml requires, one requirement a line: `requirements.py build run test cli ...`.

`build` is [build-system], `run` the package's own dependencies, `plugins` what the distributions in plugins/ and their
extras need besides powertrain, anything else an extra. Runs before anything is installed, so it may use the standard
library alone.
"""

import sys
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10; goes when 3.11 is the oldest supported
    from pip._vendor import tomli as tomllib


ROOT = Path(__file__).parent.parent


def read(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def of_plugins() -> list[str]:
    found = []
    for path in sorted((ROOT / "plugins").glob("*/pyproject.toml")):
        project = read(path)["project"]
        found += [one for one in project["dependencies"] if not one.startswith("powertrain")]
        for extra in project.get("optional-dependencies", {}).values():
            found += [one for one in extra if not one.startswith("powertrain")]
    return sorted(set(found))


def main() -> None:
    pyproject = read(ROOT / "pyproject.toml")
    project = pyproject["project"]
    named = {
        **project["optional-dependencies"],
        "build": pyproject["build-system"]["requires"],
        "run": project["dependencies"],
        "plugins": of_plugins(),
    }
    for name in sys.argv[1:]:
        if name not in named:
            sys.exit(f"[requirements] {name!r}; expected one of {', '.join(sorted(named))}; add it to pyproject.toml")
        print(*named[name], sep="\n")


if __name__ == "__main__":
    main()
