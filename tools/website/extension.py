"""What the documentation adds to Sphinx: the API reference is written before a build and counted after it, names in
code become links, and wide drawings scroll on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from website.example_pages import examples_page
from website.pages import Reference
from website.plugin_pages import plugins_page

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"(?:powertrain|pt)((?:\.[A-Za-z_]\w*)+)(?:\(.*\))?")
_FUNCTIONAL = re.compile(r"F\.([A-Za-z_]\w*)(?:\(.*\))?")
_PAGE = re.compile(r"docs/([\w/-]+)\.md")
_WIDTH = re.compile(r'<svg [^>]*\bwidth="(\d+)"')
WIDEST = 500  # pixels of a drawing that may be shrunk to a phone: its words stay readable


def write_reference(app: Sphinx) -> None:
    """Write the pages that are made of the package into docs/api; those that stay the same are not touched."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    pages = {**Reference().pages(), "plugins.md": plugins_page(), "examples.md": examples_page()}
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()


def link_code(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Make links of code that names a public name (`pt.matmul`) or a page (`docs/fit.md`)."""
    for literal in list(tree.findall(nodes.literal)):
        if isinstance(literal.parent, nodes.reference | nodes.title) or _inside(literal, nodes.reference):
            continue
        target = _target(app, literal.astext(), page)
        if target is not None:
            literal.replace_self(make_refnode(app.builder, page, *target, literal.deepcopy()))


def _inside(node: nodes.Node, kind: type) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kind):
            return True
    return False


def _target(app: Sphinx, text: str, page: str) -> tuple[str, str] | None:
    """The page and the place on it that code names."""
    if named := _PAGE.fullmatch(text):
        if named[1] in app.env.found_docs:
            return named[1], ""
        _LOG.warning("%s is cited, and there is no such page", text, location=page)
    full = None
    if named := _NAME.fullmatch(text):
        full = f"powertrain{named[1]}"
    elif named := _FUNCTIONAL.fullmatch(text):
        full = f"powertrain.nn.functional.{named[1]}"
    known = app.env.get_domain("py").objects.get(full) if full else None
    return (known.docname, known.node_id) if known and known.docname != page else None


def mark_wide(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Mark the drawings that site.css lets scroll on a phone."""
    for image in tree.findall(nodes.image):
        path = Path(app.srcdir) / image["uri"]
        found = _WIDTH.search(path.read_text(encoding="utf-8")) if path.suffix == ".svg" and path.exists() else None
        if found and int(found[1]) > WIDEST:
            image["classes"].append("wide")


def missing(documented: set[str]) -> Iterator[str]:
    """The public names that have no entry."""
    reference = Reference()
    for found in reference.names.values():
        for one in found:
            if reference.homes[one.full] not in documented:
                yield one.full


def count_names(app: Sphinx, error: Exception | None) -> None:
    """Fail if a public name has no entry."""
    if error is None and app.builder.name == "html":
        lacking = list(missing(set(app.env.get_domain("py").objects)))
        if lacking:
            raise ExtensionError(f"{len(lacking)} public names have no entry: {', '.join(lacking)}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Join Sphinx."""
    app.connect("builder-inited", write_reference)
    app.connect("doctree-resolved", link_code)
    app.connect("doctree-resolved", mark_wide)
    app.connect("build-finished", count_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
