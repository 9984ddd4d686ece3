"""What the loss curves of a run say in words: whether it learned for too long, or not long enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FEWEST = 8  # points; of a shorter curve nothing is said
# Shares of what the loss had fallen by: a rise that is no noise, and a fall in the last quarter that goes on.
RISE, FALL = 0.1, 0.05


def curves_in_words(losses: Mapping[str, Sequence[tuple[int, float]]], stops: bool) -> list[str]:
    """One sentence about each loss, of training and of held-out examples. `stops` says whether the run keeps its best
    weights already.

    >>> curves_in_words({"valid": [(step, 1 / step) for step in range(1, 10)]}, False)
    ['The valid loss has settled: it fell from 1 to 0.1111, and by 0.03175 in the last quarter.']
    """
    too_long = rose(losses.get("valid", ()))
    words = (_words(losses[part], part, stops, too_long) for part in ("train", "valid") if part in losses)
    return [sentence for sentence in words if sentence]


def rose(points: Sequence[tuple[int, float]]) -> bool:
    """Whether a loss was clearly lower earlier than it is at the end."""
    values = [value for _, value in points]
    return len(values) >= FEWEST and values[-1] - min(values) > RISE * (values[0] - min(values)) > 0


def _words(points: Sequence[tuple[int, float]], part: str, stops: bool, too_long: bool) -> str:
    """One sentence about the loss on a part of the data, by step; empty where it has too few points. `too_long` says
    that the run is not to be made longer."""
    if len(points) < FEWEST:
        return ""
    values = [value for _, value in points]
    best = min(range(len(values)), key=values.__getitem__)
    first, low, last = values[0], values[best], values[-1]
    if best == 0:
        return f"The {part} loss never fell below its first value, {first:.4g}: lower the rate (optimizer.lr)."
    if rose(points):
        keeps = '; run.stop would keep the weights of that step: add stop = { watch = "valid.loss" } to run'
        advice = "" if stops or part == "train" else keeps
        return f"The {part} loss was lowest at step {points[best][0]:,} ({low:.4g}) and rose to {last:.4g}{advice}."
    quarter = len(values) // 4
    before = min(values[:-quarter])
    gained = max(before - low, 0.0)
    if gained > FALL * (first - low):
        advice = "" if too_long else ": train longer (run.until)"
        return f"The {part} loss was still falling, from {before:.4g} to {low:.4g} in the last quarter{advice}."
    return (
        f"The {part} loss has settled: it fell from {first:.4g} to {low:.4g}, and by {gained:.4g} in the last quarter."
    )
