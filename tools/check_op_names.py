"""Fail where cpp/graph, cpp/program or cpp/bindings names an op by a string.

What a pass, the lowering or the bindings must know of an op is a trait that its spec declares (`joins_pieces`, `casts`,
`reduces_rows`); a call that they make has a function in ops/functional.h; a rule about certain ops is a rewrite rule in
an op's folder (ops/rewrite.h).
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

CPP = Path(__file__).parent.parent / "cpp"
FOLDERS = ("graph", "program", "bindings")
REGISTERED = re.compile(r'const Op\*\s*\w+\s*=\s*\w+\(\s*"(\w+)"')
COMMENT = re.compile(r"//[^\n]*")
# Names of Python's: attributes and arguments.
PYTHON = re.compile(r'(?:\bpy::arg|\.attr)\("\w+"\)')
LITERAL = re.compile(r'"(\w+)"')
# Words that are no op where they stand.
OTHER_WORDS = {
    ("bindings/autograd.cpp", "embedding"),  # whom an error names
    ("bindings/compiled_views.cpp", "guard"),  # an event of a report
    ("bindings/ops.cpp", "any"),  # which dtypes an input takes
    ("bindings/tensor.cpp", "complex"),  # Python's type
}


def registered(cpp: Path = CPP) -> set[str]:
    """Return the names of all ops, as their specs register them."""
    return {name for path in cpp.glob("ops/*/spec*.cpp") for name in REGISTERED.findall(path.read_text("utf-8"))}


def complaints(cpp: Path = CPP, names: set[str] | None = None) -> Iterator[str]:
    """Yield a line for each op that is named where none may be."""
    ops = registered(cpp) if names is None else names
    for folder in FOLDERS:
        for path in sorted((cpp / folder).rglob("*")):
            if path.suffix not in {".h", ".cpp"}:
                continue
            place = path.relative_to(cpp).as_posix()
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                for name in LITERAL.findall(PYTHON.sub("", COMMENT.sub("", line))):
                    if name in ops and (place, name) not in OTHER_WORDS:
                        yield (
                            f'[op name cpp/{place}:{number}] "{name}"; cpp/{folder}/ may name no op; ask for a trait '
                            "of its spec, call it by ops/functional.h, or make it a rewrite rule of the op's folder"
                        )


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = list(complaints())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
