"""What tunes are like: bars that fit their meter, phrases that were there before, and pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from powertrain_audio.abc_notation import WHOLE, Tune
from powertrain_audio.tunes import runs_of

RUN = 12  # notes in a row that are looked for in the training part


def share_of_bars(tunes: Sequence[Tune]) -> float:
    """Of the bars between two bar lines, the share that is as long as the meter asks; 0 of none."""
    right = total = 0
    for tune in tunes:
        over, under = map(int, tune.meter.split("/"))
        length, begun = 0, False
        for event in tune.events:
            if not event.is_bar:
                length += event.length
                continue
            right += begun and length * under == WHOLE * over
            total += begun
            length, begun = 0, True
    return right / total if total else 0.0


def share_copied(tunes: Sequence[Tune], train: Sequence[Tune]) -> float:
    """Of the runs of notes in tunes, the share that comes in the training part too; 0 of none."""
    known = {run for tune in train for run in runs_of(tune, RUN)}
    runs = [run for tune in tunes for run in runs_of(tune, RUN)]
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


def draw_tunes(figure: Any, tunes: Sequence[Tune]) -> None:
    """Piano rolls: pitches over time, a thin line at each bar."""
    figure.set_size_inches(8.4, 1.1 * len(tunes))
    for axes, tune in zip(figure.subplots(len(tunes), 1, squeeze=False)[:, 0], tunes, strict=True):
        at = 0.0
        for event in tune.events:
            if event.is_bar:
                axes.axvline(at, color="lightgray", linewidth=0.6)
            elif event.pitch is not None:
                axes.barh(event.pitch, event.length / WHOLE, left=at, height=0.9, color="C0")
            at += event.length / WHOLE
        axes.set_ylabel(tune.meter, rotation=0, labelpad=14)
        axes.tick_params(labelsize=7)
    figure.supxlabel("whole notes", fontsize=9)
    figure.set_layout_engine("constrained")
