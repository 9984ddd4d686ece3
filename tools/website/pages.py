"""The pages of the API reference as Markdown: one for each module, and one for each function, class and exception."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType

from powertrain.ops.functional import documentation
from website.docstrings import Docstring, cell, markdown, parse, prose
from website.members import Member, described_elsewhere, fields, members
from website.names import Name, homes, modules, names
from website.signatures import signature

HEADINGS = {"class": "Classes", "function": "Functions", "exception": "Exceptions", "value": "Values"}
DIRECTIVES = {"class": "py:class", "exception": "py:exception", "function": "py:function"}
INDEX = """# API reference

Every public name of the package, module by module. A page shows how a name is called, which shapes and dtypes it takes,
which errors it raises, and an example that runs as a test. The same text is in the docstrings: `help(pt.matmul)` in
Python, `powertrain help pt.matmul` in a terminal.

"""


class Reference:
    """All public names, and where each is described."""

    def __init__(self) -> None:
        self.modules = modules()
        self.homes = homes(self.modules)
        self.names = {module.__name__: names(module) for module in self.modules}
        described = [one for found in self.names.values() for one in found if self.has_page(one)]
        self.files = _file_names(one.full for one in described)
        self.classes = {id(one.value): one.full for one in described if inspect.isclass(one.value)}

    def has_page(self, one: Name) -> bool:
        """Whether a name has a page of its own: values stand on the page of their module."""
        return one.kind != "value" and self.homes[one.full] == one.full

    def pages(self) -> dict[str, str]:
        """Every page by its file name."""
        found = {"index.md": self._index()}
        for module in self.modules:
            found[f"{module.__name__}.md"] = self._module(module)
            for one in self.names[module.__name__]:
                if self.has_page(one):
                    found[self.files[one.full]] = self._name(one)
        return found

    def _index(self) -> str:
        rows = [
            f"| [{prose(module.__name__)}]({module.__name__}.md) | {cell(parse(module.__doc__).summary)} |"
            for module in self.modules
        ]
        listed = "\n".join(f"{module.__name__} <{module.__name__}>" for module in self.modules)
        table = "\n".join(["| Module | What is there |", "| --- | --- |", *rows])
        return f"{INDEX}{table}\n\n:::{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{listed}\n:::\n"

    def _module(self, module: ModuleType) -> str:
        name = module.__name__
        lines = [f"# {prose(name)}", "", f":::{{py:module}} {name}", ":::", "", *markdown(parse(module.__doc__))]
        for kind, heading in HEADINGS.items():
            found = [one for one in self.names[name] if one.kind == kind]
            if not found:
                continue
            lines += [f"## {heading}", ""]
            if kind == "value":
                lines += [line for one in found for line in _value(one)]
                continue
            lines += ["| Name | What it does |", "| --- | --- |"]
            lines += [f"| {self._link(one)} | {cell(parse(documentation(one.value)).summary)} |" for one in found]
            lines += [""]
        return "\n".join(lines)

    def _link(self, one: Name) -> str:
        home = self.homes[one.full]
        return f"[{prose(one.name)}]({self.files[home]})"

    def _name(self, one: Name) -> str:
        doc = parse(documentation(one.value))
        also = [full for full, home in self.homes.items() if home == one.full and full != one.full]
        head = ["---", "orphan: true", "---", "", f"# {prose(one.name)}", "",
                f"[API reference](index.md) / [{prose(one.module)}]({one.module}.md)", ""]  # fmt: skip
        if also:
            head += [f"Also {', '.join(f'`{full}`' for full in also)}.", ""]
        fence = "::::"
        # Most exceptions take a text, which says nothing; some are made of more.
        plain = one.kind == "exception" and "__init__" not in vars(one.value)
        text = "" if plain else signature(one.value, one.name)
        lines = [f"{fence}{{{DIRECTIVES[one.kind]}}} {one.full}{text}", "", *markdown(doc)]
        if inspect.isclass(one.value):
            lines += self._of_class(one.value, doc)
        return "\n".join([*head, *lines, fence, ""])

    def _of_class(self, cls: type, doc: Docstring) -> list[str]:
        lines: list[str] = []
        found = [row for row in fields(cls) if row[0] not in {name for name, _ in doc.rows}]
        if found:
            lines += ["| Field | Type | Default |", "| --- | --- | --- |"]
            lines += [f"| {' | '.join(_code(part) for part in row)} |" for row in found]
            lines += [""]
        bases = described_elsewhere(cls, self.classes)
        if bases:
            links = [f"[{prose(full)}]({self.files[full]})" for full in (self.classes[id(base)] for base in bases)]
            lines += [f"It also has the methods of {', '.join(links)}.", ""]
        for member in members(cls, self.classes):
            lines += _member(member)
        return lines


def _member(member: Member) -> list[str]:
    option = ""
    directive = member.directive
    if directive in ("py:classmethod", "py:staticmethod"):
        directive, option = "py:method", f":{directive[3:]}:\n"
    body = markdown(parse(member.doc))
    return [f":::{{{directive}}} {member.name}{member.signature}", *([option.rstrip()] if option else []), "",
            *body, ":::", ""]  # fmt: skip


def _value(one: Name) -> list[str]:
    shown = repr(one.value)
    value = [] if len(shown) > 60 or shown.startswith("<") else [f":value: {shown}"]
    return [f":::{{py:data}} {one.name}", *value, ":::", ""]


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _file_names(found: Iterable[str]) -> dict[str, str]:
    """A file for each name; names that differ in case alone (tensor, Tensor) would be one file on some systems."""
    files: dict[str, str] = {}
    taken: set[str] = set()
    for full in found:
        file = full
        while file.lower() in taken:
            file += "_"
        taken.add(file.lower())
        files[full] = f"{file}.md"
    return files
