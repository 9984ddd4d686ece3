"""Fail on an import of python/powertrain against the arrows, on a circle of modules, on a room without a place here.

A room is a folder of python/powertrain, or a module beside them. It may import itself and what stands before it in
ROOMS, at the top of a module as inside of a function; imports for type checkers alone are free, since they never run.
First-party distributions, templates and the pages on plugins use what a stranger may: the names that a module of PUBLIC
shows.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "python" / "powertrain"
ROOMS: Final = (
    "_core", "abi", "errors", "typing", "io", "charts", "devices", "ops", "tensor", "cuda", "random", "fft", "linalg",
    "array_api", "autodiff",
    "program", "saved", "nn", "onnx", "plugin", "optim", "solvers", "data", "metrics", "quality",
    "fairness", "models", "monitor", "recipe", "train", "live", "tuning", "builtin", "sklearn", "conformance", "cli",
)  # fmt: skip
# Not in a room: the package itself, which names what is public, and `python -m powertrain`.
ABOVE: Final = ("__init__", "__main__")
# What goes against the arrows, and why.
ALLOWED: Final = {
    # `pt.compile(backend="xla")` hands its step to a backend, which only those have who ask for one.
    ("program.compiled", "plugin.backends"),
    # `tensor.__array_namespace__()` gives the namespace that is made of the functions of tensors.
    ("tensor", "array_api"),
}
# What plugins import from: the modules that docs/ shows to everybody.
PUBLIC: Final = frozenset(
    {"powertrain", "powertrain.builtin.data", "powertrain.builtin.models", "powertrain.data", "powertrain.fairness",
     "powertrain.fft", "powertrain.data.transforms", "powertrain.linalg", "powertrain.metrics", "powertrain.models",
     "powertrain.monitor",
     "powertrain.nn", "powertrain.nn.adapters",
     "powertrain.nn.functional", "powertrain.nn.init", "powertrain.nn.utils", "powertrain.optim",
     "powertrain.optim.schedules", "powertrain.plugin", "powertrain.plugin.testing", "powertrain.quality",
     "powertrain.random", "powertrain.solvers", "powertrain.typing"}
)  # fmt: skip


class Import(NamedTuple):
    module: str  # without "powertrain."
    line: int
    runs: bool  # when the module does, or a function of it
    at_once: bool  # when the module is imported


def name_of(path: Path, root: Path) -> str:
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path: Path) -> Iterator[Import]:
    """What a module imports of the engine: each name, which may be a module or one of its names."""

    def walk(node: ast.AST, runs: bool, at_once: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "powertrain":
                for alias in child.names:
                    name = f"{child.module}.{alias.name}".removeprefix("powertrain.")
                    yield Import(name, child.lineno, runs, at_once)
            if isinstance(child, ast.Import):
                for alias in child.names:
                    if alias.name.startswith("powertrain."):
                        yield Import(alias.name.removeprefix("powertrain."), child.lineno, runs, at_once)
            yield from walk(child, runs and not typing, at_once and not typing and not inside)

    return walk(ast.parse(path.read_text(encoding="utf-8")), True, True)


def complaints(package: Path = PACKAGE) -> list[str]:
    """Everything that goes against the arrows, and circles of modules that import each other at once."""
    modules = {name_of(path, package): path for path in sorted(package.rglob("*.py")) if "templates" not in path.parts}
    found: list[str] = []
    at_once: dict[str, set[str]] = {}
    for name, path in modules.items():
        room = name.split(".")[0]
        if room in ABOVE:
            continue
        if room not in ROOMS:
            found.append(
                f"[import] {room} in python/powertrain; expected one of {', '.join(ROOMS)}; name it in {__file__}"
            )
            continue
        at_once[name] = set()
        for one in imports(path):
            target = one.module if one.module in modules else one.module.rpartition(".")[0]
            other = one.module.split(".")[0]
            if other not in ROOMS or not one.runs:  # a name of the package itself
                continue
            if one.at_once and target in modules and target != name:
                at_once[name].add(target)
            allowed = any(name == a and one.module.startswith(b) for a, b in ALLOWED)
            if ROOMS.index(other) > ROOMS.index(room) and not allowed:
                found.append(
                    f"[import {path.relative_to(package)}:{one.line}] powertrain.{one.module}; {room} may import what "
                    f"stands before it: {', '.join(ROOMS[: ROOMS.index(room)])}; move the name down or its user up"
                )
    return found + [
        f"[import] a circle: {' -> '.join(circle)}; move what both need to a third" for circle in circles(at_once)
    ]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """A circle through each module that is on one, as a path that ends where it begins."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            done.add(name)
            for other in sorted(graph.get(name, ())):
                visit(other, [*path, name])

    for name in sorted(graph):
        visit(name, [])
    return found


class Source(NamedTuple):
    place: str
    line: int  # of the file, before the first of the text
    text: str


def sources(root: Path = ROOT) -> Iterator[Source]:
    """What shows or is a plugin: first-party distributions, what `powertrain new` copies, code blocks of the pages."""
    code = [*root.glob("plugins/*/src/**/*.py"), *root.glob("plugins/template/**/*.py")]
    for path in sorted({*code, *root.glob("python/powertrain/cli/templates/*.py")}):
        yield Source(str(path.relative_to(root)), 0, path.read_text(encoding="utf-8"))
    for path in sorted([*root.glob("docs/plugins/*.md"), *root.glob("plugins/*/README.md")]):
        text = path.read_text(encoding="utf-8")
        for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield Source(str(path.relative_to(root)), text[: block.start(1)].count("\n"), block[1])


def private_names(found: Iterable[Source]) -> list[str]:
    """Names of the engine that a stranger's plugin could not rely on: imported, or reached through a module."""
    return [
        f"[import {source.place}:{source.line + line}] {name}; expected a name of {', '.join(sorted(PUBLIC))}; make it "
        "public, or do without it"
        for source in found
        for line, name in sorted(set(private(ast.parse(source.text))))
    ]


def private(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names below `powertrain` that a program uses and that are not public, with their lines."""
    known = {"powertrain": "powertrain"}  # public modules, by what the program calls them
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "powertrain":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in PUBLIC:
                    known[alias.asname or alias.name] = name
                elif node.module not in PUBLIC or not shows(str(node.module), alias.name):
                    yield node.lineno, name
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in PUBLIC and alias.asname:
                    known[alias.asname] = alias.name
                elif alias.name.startswith("powertrain.") and alias.name not in PUBLIC:
                    yield node.lineno, alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module = module_of(node.value, known)
            name = f"{module}.{node.attr}"
            if module and name not in PUBLIC and not shows(module, node.attr):
                yield node.lineno, name


def module_of(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """The public module that an expression names."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    above = module_of(node.value, known) if isinstance(node, ast.Attribute) else None
    name = f"{above}.{node.attr}" if above and isinstance(node, ast.Attribute) else ""
    return name if name in PUBLIC else None


@functools.cache
def shows(module: str, name: str) -> bool:
    """Whether a public module has a public name; a function hides the module of one file that has its name."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    listed: set[str] = set()
    told: list[bool] = []  # whether each statement names what it lists one by one
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.Assign, ast.AugAssign)) and ast.unparse(node).startswith("__all__"):
            items = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            constants = [one.value for one in items if isinstance(one, ast.Constant)]
            listed |= set(map(str, constants))
            told.append(len(constants) == len(items))
    if (path / name).is_dir():
        return False
    if name in listed or (told and all(told)) or (path / f"{name}.py").is_file():
        return name in listed
    return not name.startswith("_") or name == "__version__"


def main() -> int:
    found = [*complaints(), *private_names(sources())]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
