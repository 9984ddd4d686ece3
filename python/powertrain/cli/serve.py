"""`powertrain serve` and `powertrain watch`, whose server is powertrain-serve, a distribution of its own."""

from __future__ import annotations

import argparse
from typing import Any

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import one_line, say
from powertrain.plugin.brought import brought


def serve(options: argparse.Namespace) -> int:
    return int(_brought("serve", "command").serve(options))


def watch(options: argparse.Namespace) -> int:
    from powertrain.live.board import demand_runs
    from powertrain.live.page import LivePage
    from powertrain.train.folder.run_folder import RUNS

    module = _brought("watch", "live")
    demand_runs(options.runs)
    places = options.runs or [RUNS]

    def opened(address: str) -> None:
        say(one_line(f"watching {', '.join(map(str, places))}; Ctrl-C ends it"))
        say(f"open {address}", flush=True)

    module.serve_live(LivePage(places), options.port, opened)
    return FINE


def _brought(verb: str, module: str) -> Any:
    """A module of powertrain-serve."""
    return brought(verb, f"powertrain_serve.{module}", "contains the server", verb)
