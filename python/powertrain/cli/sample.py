"""`powertrain sample`: new examples from the run of a generative model, in a file."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import numpy as np

from powertrain.cli.exit_codes import FINE
from powertrain.cli.runs import settings_of
from powertrain.io.console import say
from powertrain.io.files import Files
from powertrain.plugin.section import pictures_section
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.typing import Array

FORMS = (".npy", ".png")
COLUMNS = 10  # of pictures side by side


def sample(options: argparse.Namespace) -> int:
    out, form = options.out, options.out.suffix.lower()
    if not out.parent.is_dir():
        raise RunError(f"[sample --out] there is no folder {out.parent}; expected one; make it first")
    trained = open_run(options.run, options.trust)
    strategy = trained.run.strategy
    known = (*FORMS, *strategy.forms)
    if form not in known:
        names = f"{', '.join(known[:-1])} or {known[-1]}"
        raise RunError(f"[sample --out] received {out.name}; expected a name that ends in {names}; rename it")
    drawn = trained.sample(options.count, seed=options.seed, **settings_of(options.set))
    if form in strategy.forms:
        made = strategy.write(trained.run, drawn, form)
    else:
        made = as_png(drawn) if form == ".png" else _as_npy(drawn)
    Files(out.parent).replace(out.name, made)
    say(f"{len(drawn):,} samples in {out}")
    return FINE


def _as_npy(drawn: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, drawn)
    return buffer.getvalue()


def as_png(drawn: Array) -> bytes:
    if drawn.ndim not in (3, 4) or (drawn.ndim == 4 and drawn.shape[-1] not in (1, 3)):
        raise RunError(
            f"[sample --out] each sample has the shape {list(drawn.shape[1:])}, and a .png shows pictures; expected "
            "another kind of file; write a .npy"
        )
    made = pictures_section("Samples", drawn, columns=min(COLUMNS, len(drawn))).png()
    if made is None:
        raise RunError(
            "[sample --out] matplotlib is not installed; expected it, since it draws the .png; "
            'pip install "powertrain[cli]", or write a .npy'
        )
    return made
