"""Write the stubs of powertrain and powertrain.nn.functional: signatures and documentation of the ops from their specs.

Called by the build once the extension module is linked: make_stubs.py MODULE PT F. Nothing but that module is
imported, so that the build needs no package beside the one it makes; the rest is read from the source text.
"""

from __future__ import annotations

import ast
import importlib.util
import runpy
import sys
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent.parent / "python" / "powertrain"
WIDTH = 120
TYPES = {"bool": "bool", "int": "int", "float": "float", "str": "str", "ints": "Axes", "dtype": "DTypeLike"}
HEADER = '''"""Made by tools/make_stubs.py from the specs of the ops and from __init__.py."""

from collections.abc import Sequence

from powertrain.typing import Axes, DTypeLike, TensorLike
'''


def load_core(path: Path) -> Any:
    """The extension module alone, without the package around it."""
    found = importlib.util.spec_from_file_location("powertrain._core", path)
    if found is None or found.loader is None:
        raise SystemExit(f"[make_stubs] received {path}; expected the built extension module _core; build it first")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


NAMESPACES = runpy.run_path(str(PACKAGE / "ops" / "namespaces.py"))
ELSEWHERE = ("BELOW_ARRAYS", "BELOW_FUNCTIONAL", "ENGINE_ONLY", "FUNCTIONAL", "LINALG")
HIDDEN = frozenset().union(*(NAMESPACES[name] for name in ELSEWHERE))


def parameters(spec: dict[str, Any]) -> list[str]:
    """As functional.signature orders them: what is required after a default is given by keyword."""
    plain: list[str] = []
    by_keyword: list[str] = []
    for entry in spec["inputs"]:
        kind = "Sequence[TensorLike]" if entry["list"] else "TensorLike"
        plain.append(f"{entry['name']}: {kind} | None = None" if entry["optional"] else f"{entry['name']}: {kind}")
    for entry in spec["attrs"]:
        text = f"{entry['name']}: {TYPES[entry['kind']]}" + (" | None" if entry["nullable"] else "")
        if not entry["required"]:
            plain.append(f"{text} = {entry['default']!r}")
        elif any(" = " in before for before in plain):
            by_keyword.append(text)
        else:
            plain.append(text)
    return [*plain, "*", *by_keyword] if by_keyword else plain


def result(spec: dict[str, Any]) -> str:
    if spec["outputs"] == 0:  # as many as an argument says
        return "tuple[Tensor, ...]"
    return "Tensor" if spec["outputs"] == 1 else f"tuple[{', '.join(['Tensor'] * spec['outputs'])}]"


def documentation(spec: dict[str, Any]) -> str:
    text = "\n    ".join(spec["documentation"].splitlines())
    prefix = "r" if "\\" in text else ""
    return f'    {prefix}"""{text}\n    """'


def op_stub(spec: dict[str, Any]) -> str:
    given = parameters(spec)
    line = f"def {spec['name']}({', '.join(given)}) -> {result(spec)}:"
    if len(line) > WIDTH:
        line = f"def {spec['name']}(\n    {', '.join(given)},\n) -> {result(spec)}:"
    return f"{line}\n{documentation(spec)}\n"


def exports() -> list[str]:
    """The imports, dtypes and other values of __init__.py; what it does on import is left out."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    checked = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]
    imports = {"from powertrain._core import tensor as tensor"}
    values = ["__version__: str"]
    for node in [*tree.body, *checked]:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("powertrain"):
            shown = [a.name for a in node.names if not (a.asname or a.name).startswith("_")]
            imports |= {f"from {node.module} import {name} as {name}" for name in shown}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            values += [f"{name}: DType" for name in map(ast.unparse, node.targets[0].elts)]
    return [*sorted(imports), "", *values]


def stub(core: Any) -> str:
    ops = [op_stub(spec) for spec in core.ops() if spec["name"] not in HIDDEN]
    return "\n".join([HEADER + "\n".join(exports()) + "\n", *ops])


def functional_stub(core: Any) -> str:
    """The types of powertrain.nn.functional: its ops, and the functions that its modules make in Python."""
    shared = [f"from powertrain import {name} as {name}" for name in sorted(NAMESPACES["SHARED"])]
    for module in sorted((PACKAGE / "nn" / "functional").glob("[!_]*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                where = f"powertrain.nn.functional.{module.stem}"
                shared += [f"from {where} import {name} as {name}" for name in ast.literal_eval(node.value)]
    ops = [op_stub(spec) for spec in core.ops() if spec["name"] in NAMESPACES["FUNCTIONAL"]]
    return "\n".join([HEADER + "from powertrain._core import Tensor\n" + "\n".join(shared) + "\n", *ops])


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit("[make_stubs] expected the extension module and two files to write: make_stubs.py MODULE PT F")
    core = load_core(Path(sys.argv[1]))
    Path(sys.argv[2]).write_text(stub(core), encoding="utf-8")
    Path(sys.argv[3]).write_text(functional_stub(core), encoding="utf-8")


if __name__ == "__main__":
    main()
