"""`powertrain plan`: what a run will cost, before it is run."""

from __future__ import annotations

import argparse
import time

from powertrain.cli.exit_codes import FINE
from powertrain.cli.train import given_recipe
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.train.planning.plan import Prices
from powertrain.train.planning.plan import plan as planned
from powertrain.train.planning.scaling import Cluster, Network
from powertrain.train.planning.words import text
from powertrain.train.report.energy import Usage
from powertrain.train.report.process import age


def plan(options: argparse.Namespace) -> int:
    before = Usage(age(), time.process_time())
    prices = Prices(options.price_per_hour, options.price_per_kwh)
    network = Network(options.latency, options.bandwidth)
    cluster = Cluster(options.devices, network, options.spread or 0.0) if options.devices else None
    made = planned(
        given_recipe(options), prices=prices, max_minutes=options.max_minutes, cluster=cluster, before=before
    )
    say(dumps(made.as_json()) if options.json else text(made))
    return FINE
