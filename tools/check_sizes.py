"""Fail on source files over 500 lines that do not say at the top why they are one thing (`One file: ...`)."""

import subprocess
import sys
from pathlib import Path

LIMIT = 500
SUFFIXES = {".py", ".cpp", ".h", ".cu", ".cmake"}


def main() -> int:
    root = Path(__file__).parent.parent
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    long = []
    for name in listed.splitlines():
        path = root / name
        if path.suffix in SUFFIXES and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            if len(lines) > LIMIT and not any("One file:" in line for line in lines[:15]):
                long.append(f"[size] {name} has {len(lines)} lines; expected at most {LIMIT}; split it by topic")
    print(*long, sep="\n", end="\n" if long else "")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
