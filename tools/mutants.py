"""Break each op on purpose, as its case file says, and expect the op's own tests to fail.

`mutants.py [OP]...` takes the MUTANTS rows of tests/cases/<op>.py: (file in cpp/ops/<op>/, text, replacement). Works on
a copy of the tree. A mutant that survives is a missing test.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from scratch_tree import ROOT, ScratchTree


def mutants_of(op: str) -> list[tuple[str, str, str]]:
    return list(getattr(importlib.import_module(f"cases.{op}"), "MUTANTS", []))


def survives(tree: ScratchTree, op: str, file: str, text: str, replacement: str) -> bool:
    path = tree.folder / "cpp" / "ops" / op / file
    original = path.read_text(encoding="utf-8")
    if text not in original:
        raise SystemExit(f"[mutants] {op}: {file} does not contain {text!r}; expected it; mend MUTANTS of {op}")
    path.write_text(original.replace(text, replacement, 1), encoding="utf-8")
    try:
        tree.build()
        return tree.pytest("tests/test_ops.py", "-x", "-k", f"[{op}] or [{op}-").returncode == 0
    finally:
        path.write_text(original, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ops", nargs="*", metavar="OP")
    chosen = parser.parse_args().ops
    sys.path.insert(0, str(ROOT / "tests"))
    names = chosen or sorted(path.stem for path in (ROOT / "tests" / "cases").glob("*.py"))
    rows = [(op, *row) for op in names for row in mutants_of(op)]
    tree = ScratchTree(Path(ROOT / "build" / "mutants"))
    survivors = 0
    for op, file, text, replacement in rows:
        alive = survives(tree, op, file, text, replacement)
        survivors += alive
        print(f"{'SURVIVED' if alive else 'killed  '} {op}/{file}: {text!r} -> {replacement!r}", flush=True)
    print(f"{len(rows)} mutants, {survivors} survived")
    return 1 if survivors or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
