"""`powertrain explain`: a picture of why a trained run predicts what it does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import one_line, say
from powertrain.train.evaluate.review import open_run
from powertrain.train.explain.occlusion import Occlusion
from powertrain.train.explain.permutation import Importance


def explain(options: argparse.Namespace) -> int:
    trained = open_run(options.run, options.trust)
    settings: dict[str, Any] = {"method": options.method}
    if options.of is not None:
        settings["of"] = options.of
    asked = options.asked
    of_part = options.method == "permutation" or (options.method == "map" and not Path(asked or "").exists())
    if asked is not None and not of_part:
        asked = Path(asked)
    found: Any = trained.explain(asked, **settings)
    say(one_line(found))
    if isinstance(found, Importance):
        for at in np.argsort(-found.values, kind="stable"):
            say(f"{found.values[at]:>10.4g} ± {found.deviations[at]:<9.2g}  {one_line(found.columns[at])}")
    if isinstance(found, Occlusion):
        for line in found.lines():
            say(one_line(line))
    say(found.save(options.out))
    return FINE
