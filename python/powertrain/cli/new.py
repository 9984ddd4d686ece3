"""`powertrain new`: a distribution of plugins, or a recipe with a model to edit."""

from __future__ import annotations

import argparse
from pathlib import Path

from powertrain.cli.exit_codes import FINE
from powertrain.cli.scaffold import install_line, new_plugin, new_recipe, recipe_to_train
from powertrain.io.console import say
from powertrain.io.plain_json import dumps


def new(options: argparse.Namespace) -> int:
    """`new plugin NAME --kinds a,b` or `new RECIPE DIR`."""
    folder = Path(options.folder)
    if options.what == "plugin":
        kinds = list(dict.fromkeys(kind.strip() for kind in options.kinds.split(",")))
        paths = new_plugin(folder.name, kinds, folder, options.language)
        install = install_line(kinds, str(folder), options.language)
        following = f"{install} && powertrain train {recipe_to_train(folder.name, kinds, folder)}"
    else:
        paths = new_recipe(options.what, folder)
        following = f"edit {folder / 'model.py'}, then: powertrain train {paths[0]}"
    if options.json:
        say(dumps({"files": [str(path) for path in paths], "next": following}))
        return FINE
    for path in paths:
        say(path)
    say(f"next   {following}")
    return FINE
