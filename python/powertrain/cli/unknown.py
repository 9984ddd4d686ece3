"""Arguments of the command line that no verb takes: what to write in their place."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

# What other programs call it. A value that follows is shown as VALUE.
_OPTIONS: Final = {
    **dict.fromkeys(("folder", "out", "output", "output-dir", "save-dir", "logdir", "name"), "--run DIR"),
    **dict.fromkeys(("epochs", "max-epochs", "num-epochs", "epoch"), '--set run.until="VALUE epochs"'),
    **dict.fromkeys(("steps", "max-steps", "iterations"), '--set run.until="VALUE steps"'),
    **dict.fromkeys(("lr", "learning-rate", "rate"), "--set optimizer.lr=VALUE"),
    **dict.fromkeys(("batch", "batch-size", "bs"), "--set run.batch_size=VALUE"),
    **dict.fromkeys(("weight-decay", "wd"), "--set optimizer.weight_decay=VALUE"),
    **dict.fromkeys(("precision", "dtype"), "--set run.precision=VALUE"),
    "seed": "--set run.seed=VALUE",
    "device": "--set run.device=VALUE",
    "num-workers": "--set run.num_workers=VALUE",
    "optimizer": "--set optimizer=VALUE",
    "model": "--set model=VALUE",
    "data": "--set data=VALUE",
    "loss": "--set loss=VALUE",
}


def refusal(options: argparse.Namespace, unknown: Sequence[str]) -> str:
    """The error for arguments that are left over once the others are read."""
    called = f"powertrain {options.verb}" if options.verb else "powertrain"
    takes = [*(["--set"] if hasattr(options, "set") else []), *(["--run"] if options.verb == "train" else [])]
    received = " ".join(unknown)
    name, _, value = unknown[0].partition("=")
    value = value or next((one for one in unknown[1:2] if not one.startswith("-")), "")
    line = _OPTIONS.get(name.lstrip("-").replace("_", "-")) if name.startswith("--") else None
    if not name.startswith("-") and "=" in unknown[0]:
        line = f"--set {unknown[0]}"
    if line is None or line.partition(" ")[0] not in takes:
        return f"[{called}] received {received}; expected its own arguments; {called} --help lists them"
    line = line.replace("VALUE", value or "VALUE").replace("DIR", value or "DIR")
    return f"[{called}] received {received}; expected {line.partition(' ')[0]}; write {line}"
