"""`powertrain monitor`: what a model is asked beside what it was trained on."""

from __future__ import annotations

import argparse
from pathlib import Path

from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.models.folders import MONITOR_PAGE
from powertrain.train.evaluate.review import open_run
from powertrain.train.monitoring.traffic import Names
from powertrain.train.monitoring.watching import Settings, watch


def monitor(options: argparse.Namespace) -> int:
    settings = Settings(
        options.window, options.rules, options.webhook, options.out or _page(options), options.metrics, options.labels,
        Names(options.id, options.label or ""), options.json,
    )  # fmt: skip
    raised = watch(open_run(options.run, options.trust), options.traffic, settings)
    return MISSED if raised else FINE


def _page(options: argparse.Namespace) -> Path | None:
    """Where the page goes: into the folder of the run; of a registered model, whose files stay as they are, here."""
    return Path(MONITOR_PAGE) if str(options.run).startswith("models:") else None
