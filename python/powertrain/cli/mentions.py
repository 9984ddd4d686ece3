"""Where a word is found that is no topic of `powertrain help`: commands, keys, public names, plugins and pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import powertrain as pt
from powertrain.io.pages import page_text, pages, title_of
from powertrain.plugin.registry import registry
from powertrain.recipe.reference import keys

HELP = "powertrain help"
MOST = 8  # of each kind
# What a mention counts, by where it stands. A page that says a word once in passing is not about it.
IN_TITLE, IN_HEADING, LEAST = 20, 5, 3
SHORT = 3  # letters of a word that is looked for as a whole
# Pages for contributors, and tables of figures, come after those for users.
LATER = re.compile(
    r"adding-|architecture|benchmarks|conformance|cuda-kernels|dependencies|design/|names|results|testing"
)


def mentions(word: str) -> str:
    """Return what to ask for instead, a line for each; nothing if the word is found nowhere."""
    found = [
        *((f"powertrain {verb} --help", text) for verb, text in _verbs() if verb == word),
        *((f"{HELP} {key}", "a key of a recipe") for key in _keys(word)),
        *((f"{HELP} {name}", kind) for name, kind in _names(word)),
        *((f"powertrain plugins show {word}", f"a plugin: {groups}") for groups in _plugins(word)),
        *((f"{HELP} {page}", text) for page, text in _pages(word)),
    ]
    width = max((len(command) for command, _ in found), default=0)
    return "\n".join(f"  {command:<{width}}  {text}" for command, text in found)


def _verbs() -> Iterator[tuple[str, str]]:
    """The verbs of the command, each with what it does."""
    from powertrain.cli.parser import parser

    for action in parser()._actions:
        for choice in getattr(action, "_choices_actions", ()):
            yield choice.dest, choice.help


def _keys(word: str) -> list[str]:
    """The keys of recipes that are called so, and then those of which it is a part, as batch is of batch_size."""
    last = {key: key.rpartition(".")[2] for key in keys()}
    named = [key for key, name in last.items() if word in name.split("_") or name == word]
    return sorted(named, key=lambda key: last[key] != word)[:MOST]


def _names(word: str) -> list[tuple[str, str]]:
    """The public names that are spelt so, in upper or lower case, in the modules that `pt` and these show."""
    found: dict[str, str] = {}
    left: list[tuple[str, ModuleType, bool]] = [("pt", pt, True)]
    while left:
        home, module, goes_on = left.pop(0)
        for name in dir(module):
            try:
                value = getattr(module, name)
            except (ImportError, pt.Error):  # what it needs is not installed
                continue
            if isinstance(value, ModuleType) and name != "typing":
                left += [(f"{home}.{name}", value, False)] if goes_on and not name.startswith("_") else []
            elif name.lower() == word.lower() and not name.startswith("_"):
                found[f"{home}.{name}"] = _first_sentence(value)
    return list(found.items())[:MOST]


def _first_sentence(value: Any) -> str:
    return (inspect.getdoc(value) or "a public name").partition("\n")[0].partition(". ")[0]


def _plugins(word: str) -> list[str]:
    """The groups of the plugins of that name, as one text."""
    groups = [plugin.group for plugin in registry().plugins() if plugin.name == word]
    return [", ".join(dict.fromkeys(groups))] if groups else []


def _pages(word: str) -> list[tuple[str, str]]:
    """The pages that say most of it, each with its title and the heading that names the word."""
    stem = re.escape(word.removesuffix("s") if len(word) > SHORT else word)
    wanted = re.compile(rf"\b{stem}" if len(word) > SHORT else rf"\b{stem}\b", re.IGNORECASE)
    found = []
    for at, (page, path) in enumerate(pages().items()):
        text, title = page_text(path), title_of(path)
        headings = [line.lstrip("# ") for line in re.findall(r"^##+ .*$", text, re.MULTILINE) if wanted.search(line)]
        score = IN_TITLE * bool(wanted.search(title) or wanted.search(page)) + IN_HEADING * len(headings[:3])
        score += min(len(wanted.findall(text)), 2 * IN_HEADING)
        if score >= LEAST:
            later = bool(LATER.match(page))
            found.append((later, -score, at, page, f"{title}: {headings[0]}" if headings else title))
    return [(page, text) for *_, page, text in sorted(found)[:MOST]]
