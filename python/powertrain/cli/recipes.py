"""`powertrain recipes`: which recipes there are, and the text of one."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.plugin import PluginError, registry
from powertrain.recipe.catalog import as_json, catalog, text_of


def recipes(options: argparse.Namespace) -> int:
    if options.what == "show":
        if options.name is None:
            raise PluginError("[recipes show] received no name; expected one; powertrain recipes lists them")
        text = text_of(options.name, registry())
        say(dumps({"name": options.name, "text": text}) if options.json else text.rstrip())
        return FINE
    found = catalog(registry())
    if options.json:
        say(dumps(as_json(found)))
        return FINE
    for recipe in found:
        say(one_line(recipe.line()))
    return FINE
