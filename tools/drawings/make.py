"""Draw the pictures of docs/: `make.py [NAME ...]` writes them, `make.py --check [NAME ...]` compares.

Those of docs/ideas/pictures are runs of the engine on small data; since its bits do not depend on the machine, neither
do the files. Those of docs/drawings show how the engine works, and how fast it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import clusters
import design
import generalization
import plans
import representations
import speed
import steps

DOCS = Path(__file__).parents[2] / "docs"
DESIGN = (*design.DRAWINGS, *plans.DRAWINGS, *clusters.DRAWINGS, *speed.DRAWINGS)
IDEAS = (*steps.DRAWINGS, *generalization.DRAWINGS, *representations.DRAWINGS)


def drawings() -> dict[str, tuple[Path, Callable[[], str]]]:
    made = {}
    for folder, functions in ((DOCS / "ideas" / "pictures", IDEAS), (DOCS / "drawings", DESIGN)):
        for function in functions:
            name = function.__name__.replace("_", "-")
            made[name] = (folder / f"{name}.svg", function)
    return made


def main(words: list[str]) -> int:
    check = "--check" in words
    known = drawings()
    names = [word for word in words if word != "--check"] or list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"[make] received {', '.join(unknown)}; expected some of {', '.join(known)}", file=sys.stderr)
        return 2
    differ = []
    for name in names:
        path, function = known[name]
        drawn = function()
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(drawn, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != drawn:
            differ.append(str(path.relative_to(DOCS.parent)))
    if differ:
        print(f"[make] not as the engine draws them: {', '.join(differ)}; run tools/drawings/make.py", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
