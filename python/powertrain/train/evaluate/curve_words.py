"""What a loss curve says in words: whether a run learned for too long, or not long enough."""

from __future__ import annotations

from collections.abc import Sequence

FEWEST = 8  # points; of a shorter curve nothing is said
# Shares of what the loss had fallen by: a rise that is no noise, and a fall in the last quarter that goes on.
RISE, FALL = 0.1, 0.05


def curve_words(points: Sequence[tuple[int, float]], part: str, stops: bool) -> str:
    """One sentence about the loss on a part of the data, by step; empty where it has too few points. `stops` says
    whether the run keeps its best weights already.

    >>> curve_words([(step, 1 / step) for step in range(1, 10)], "valid", False)
    'The valid loss has settled: it fell from 1 to 0.1111, and by 0.03175 in the last quarter.'
    """
    if len(points) < FEWEST:
        return ""
    values = [value for _, value in points]
    best = min(range(len(values)), key=values.__getitem__)
    first, low, last = values[0], values[best], values[-1]
    if best == 0:
        return f"The {part} loss never fell below its first value, {first:.4g}: lower the rate (optimizer.lr)."
    if last - low > RISE * (first - low):
        advice = "" if stops or part == "train" else "; run.stop keeps the weights of that step"
        return f"The {part} loss was lowest at step {points[best][0]:,} ({low:.4g}) and rose to {last:.4g}{advice}."
    quarter = len(values) // 4
    before = min(values[:-quarter])
    gained = max(before - low, 0.0)
    if gained > FALL * (first - low):
        falling = f"from {before:.4g} to {low:.4g} in the last quarter"
        return f"The {part} loss was still falling, {falling}: train longer (run.until)."
    return (
        f"The {part} loss has settled: it fell from {first:.4g} to {low:.4g}, and by {gained:.4g} in the last quarter."
    )
