"""`powertrain suggest`: compare recipes on a table, and write the one to train."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain.cli.exit_codes import BY_SIGNAL, FINE
from powertrain.cli.teller import Teller
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.plugin.brought import brought
from powertrain.plugin.conversion import check
from powertrain.recipe import RecipeError
from powertrain.recipe import source as source_text
from powertrain.train.choosing import words
from powertrain.train.choosing.page import suggestion_page
from powertrain.train.choosing.suggestion import Settings, SuggestError, Suggestion, recipe_text
from powertrain.train.choosing.suggestion import suggest as answered

# Data settings that have an option, or that are what is suggested.
OWN = ("path", "target", "drop", "split", "encode", "leakage")


def suggest(options: argparse.Namespace) -> int:
    tabular = brought("suggest", "powertrain_tabular.suggesting", "reads tables", "tabular")
    recipe, page = _files(options)
    if options.threads is not None:
        pt.set_threads(options.threads)
    given = _given(options)
    table = {"path": str(options.data), "target": options.target, "drop": list(options.drop), **given}
    params, mistakes = check(tabular.Question.Params, table, "table")
    if mistakes:
        raise RecipeError([f"[suggest {'.'.join(map(str, one.path))}] {one.text}" for one in mistakes])
    wishes = tabular.Wishes(
        group=options.group, time=options.time, keep=tuple(options.keep), metric=options.metric, seed=options.seed
    )
    teller = Teller(quiet=options.json)
    asked = tabular.Question(params, Path(), wishes)
    for word, sentence in asked.lines():
        teller.line(f"{word:<8} {sentence}")
    sizes = options.sizes or options.cost_per_label is not None
    try:
        found = answered(asked, Settings(options.minutes, sizes, options.cost_per_label, options.seed), teller)
    finally:
        teller.end()
    return _told(found, recipe, page, given, options.json)


def _told(found: Suggestion, recipe: Path, page: Path, given: Mapping[str, Any], json: bool) -> int:
    text = ""
    if found.choice is not None:
        text = recipe_text(found, recipe, given)
        recipe.write_text(text, encoding="utf-8")
    page.write_text(suggestion_page(found, text), encoding="utf-8")
    written = {"recipe": str(recipe) if text else "", "page": str(page)}
    if json:
        say(dumps({**words.as_table(found), **written}), flush=True)
    else:
        for line in words.lines(found):
            say(line)
        say(f"wrote    {', '.join(one for one in written.values() if one)}")
        if text:
            say(f"next     powertrain train {recipe}")
    return BY_SIGNAL + found.signal if found.signal else FINE


def _files(options: argparse.Namespace) -> tuple[Path, Path]:
    """Where the recipe and the page go; refused where something lies there."""
    recipe = options.out or Path(f"{options.data.name.partition('.')[0] or 'table'}.toml")
    if recipe.suffix != ".toml":
        raise SuggestError(f"[suggest --out] received {recipe}; expected a file whose name ends in .toml; rename it")
    page = recipe.with_name(f"{recipe.stem}-suggestion.html")
    for path in (recipe, page):
        if path.exists():
            raise SuggestError(
                f"[suggest] {path} exists already; expected a new name, since that file may have been edited; give "
                "--out another name, or remove it"
            )
    if not recipe.parent.is_dir():
        raise SuggestError(f"[suggest --out] there is no folder {recipe.parent}; expected one; make it")
    return recipe, page


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """What --set says of how the file is read and what its target is."""
    source = source_text.of_tables({"data": {}})
    source_text.override(source, [f"data.{setting}" for setting in options.set])
    given: dict[str, Any] = source.tables["data"]
    for key in given:
        if key in OWN:
            raise SuggestError(
                f"[suggest --set {key}] received it; expected a setting of how the file is read, such as sep; leave it "
                "out"
            )
    return given
