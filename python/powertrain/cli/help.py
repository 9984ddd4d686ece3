"""`powertrain help TOPIC`: a key of a recipe, a public name, or a page of the documentation, without a network."""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
from types import ModuleType
from typing import Any

import powertrain as pt
from powertrain.cli.exit_codes import FINE
from powertrain.cli.mentions import mentions
from powertrain.errors.hints import counterpart
from powertrain.io.console import say
from powertrain.io.pages import page_text, pages, title_of
from powertrain.ops.functional import documentation
from powertrain.plugin.listing import of_parameter
from powertrain.recipe.reference import explain, keys, overview

_WITH_PLUGINS = ("data", "model", "loss", "strategy", "optimizer")  # sections that hold parameters of a plugin


def help_on(options: argparse.Namespace) -> int:
    """Print what is known of a topic, or the list of topics."""
    say(about(options.topic) if options.topic else topics())
    return FINE


def about(topic: str) -> str:
    """Return the text for a topic, or where a word is found; else a HelpError that shows what was probably meant.

    A name that a key and a page share means the key; the page is then found by its path below docs/. The last part of a
    path is enough where no other page ends in it: `overfitting` is ideas/overfitting.
    """
    page = topic.removeprefix("docs/").removesuffix(".md").removesuffix("README").removesuffix("/")
    if topic in keys():
        own = of_parameter("data", "split") if topic == "data.split" else []  # tables cut themselves
        if own:
            return "\n\n".join([explain(topic), *own])
        cited = f"\n\npowertrain help docs/{page}.md prints the page of that name" if page in pages() else ""
        return explain(topic) + cited
    if page in pages():
        return page_text(pages()[page])
    name = f"pt.{topic.removeprefix('powertrain.').removeprefix('pt.')}"
    value = _public(name)
    if value is not _UNKNOWN:
        return _described(name, value)
    named = [path for known, path in pages().items() if known.rpartition("/")[2] == page]
    if len(named) == 1:
        return page_text(named[0])
    section, _, key = topic.partition(".")
    found = of_parameter(section, key) if section in _WITH_PLUGINS and key else []
    if found:
        return "\n\n".join(found)
    written = counterpart(name.removeprefix("pt.").removeprefix("torch."))
    if written:
        return written
    where = mentions(topic) if re.fullmatch(r"[\w-]+", topic) else ""
    if where:
        return f"{topic} is no key of a recipe, page or name by itself. It is found by:\n\n{where}"
    return explain(topic, [*pages(), *(f"pt.{shown}" for shown in dir(pt))])


def topics() -> str:
    """Return what can be asked for."""
    width = max(map(len, pages()), default=0)
    listed = [f"  {page:<{width}}  {title_of(path)}" for page, path in pages().items()]
    examples = "powertrain help run.stop (a key of a recipe), powertrain help pt.matmul (a public name)"
    return "\n".join([overview(), "", f"Also: {examples}, and these pages:", "", *listed])


_UNKNOWN = object()
# Public modules that `import powertrain` leaves alone.
_APART = ("powertrain.plugin.testing",)


def _public(name: str) -> Any:
    """Return what a dotted name means if each part of it is public."""
    value: Any = pt
    for part in name.split(".")[1:]:
        if isinstance(value, ModuleType) and (apart := f"{value.__name__}.{part}") in _APART:
            value = importlib.import_module(apart)
            continue
        if part.startswith("_") or part not in dir(value):
            return _UNKNOWN
        value = getattr(value, part)
    return value


def _described(name: str, value: Any) -> str:
    """Return the signature and the docstring; of a module its names; of a plain number or None what it is."""
    if isinstance(value, ModuleType):
        names = ", ".join(one for one in dir(value) if not one.startswith("_"))
        where = mentions(name.rpartition(".")[2])
        return f"{name}, a module\n\n{documentation(value)}\n\nNames: {names}" + (f"\n\n{where}" if where else "")
    if value is None or isinstance(value, (int, float, str)):
        return f"{name} = {value!r}"
    try:
        parameters = str(inspect.signature(value)) if callable(value) else ""
    except (TypeError, ValueError):  # those of pybind11 have it in their docstring
        written = re.match(r"\w+(\([^\n]*\)) -> ", inspect.getdoc(value) or "")
        parameters = written[1] if written else ""
    return f"{name}{parameters}\n\n{documentation(value)}".rstrip()
