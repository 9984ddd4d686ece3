"""Where a model with attention looks, for the report: tokens of a text at each other, or at the parts of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import evenly_spaced, spaced_examples
from powertrain.io.console import one_line
from powertrain.plugin.section import Section
from powertrain.train.evaluate.evaluation import on_host, own_losses
from powertrain.train.explain.attention import Looked, attends, looked
from powertrain.train.explain.explanation import is_picture, show_picture
from powertrain.train.folder.run_folder import RunError
from powertrain.train.report.judged import pixels_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun

TITLE = "Where it looks"
PICTURES = 8  # side by side
TEXTS = 16  # of which the longest that fits is shown
NAMED = 32  # tokens whose names fit beside a map
HEADS = 4
SILENT = "\N{EMPTY SET}"  # stands for a token without a text; a dot would look like a full stop
SPACE = "\N{OPEN BOX}"
Floats = NDArray[np.float32]


def pages(run: TrainRun) -> list[Section]:
    """The last layer of a model with attention, on examples of the part that the run is judged by."""
    part = run.dataset.judged_part
    source = run.dataset.splits.get(part)
    if source is None or not len(source) or on_host(run.strategy) or not attends(run):
        return []
    fields = spaced_examples(source, TEXTS)
    fields = {name: np.asarray(fields[name]) for name in ("x", "y") if name in fields}
    try:
        if run.dataset.vocabulary is not None and fields["x"].ndim == 2:
            return _of_text(run, part, fields)
        return _of_numbers(run, part, fields["x"][evenly_spaced(len(fields["x"]), PICTURES)])
    except RunError:  # the pass goes through a loop
        return []


def _of_text(run: TrainRun, part: str, fields: Mapping[str, NDArray[Any]]) -> list[Section]:
    """The longest of some texts that fits, or the beginning of one."""
    x = fields["x"]
    lengths = [_length(row) for row in x]
    at = max(range(len(x)), key=lambda row: (lengths[row] <= NAMED, lengths[row]))
    one, vocabulary = {"x": x[at : at + 1]}, run.dataset.vocabulary
    assert vocabulary is not None
    # Of an answer that is a text too, each token looks at the tokens that are read.
    y = fields.get("y")
    written = (
        own_losses(run.strategy) is not None and not run.dataset.kind.tokens and y is not None
        and y.ndim == 2 and y.dtype.kind in "iu" and run.dataset.outputs == len(vocabulary)
    )  # fmt: skip
    if written and y is not None:
        one["y"] = y[at : at + 1]
    found, _ = looked(run, one)
    if not found:
        return []
    crossed = [name for name, layer in found.items() if written and layer.elsewhere]
    name = crossed[-1] if crossed else list(found)[-1]
    seen = _tokens(run, x[at])
    rows = _tokens(run, one["y"][0]) if crossed else seen
    values = found[name].values[0][:, : len(rows), : len(seen)]
    # Padding at which nobody may look.
    used = int(np.flatnonzero(values.max(axis=(0, 1)))[-1]) + 1
    rows, seen = rows if crossed else rows[:used], seen[:used]
    values = values[:, : len(rows), :used]
    which = "token that is written (a row) looks at those that are read" if crossed else "token (a row) looks at others"
    lines = [f"How much each {which}: the last layer, {name}, on an example of {part}. A row adds up to 1."]
    if max(lengths[at], len(one["y"][0]) if crossed else 0) > NAMED:
        lines.append(f"The first {NAMED} tokens are shown.")
    if SILENT in (*rows, *seen):
        lines.append(f"{SILENT} stands for a token without letters, such as the first.")
    return [Section(TITLE, (" ".join(lines),), draw=lambda figure: draw_heads(figure, values, rows, seen))]


def _of_numbers(run: TrainRun, part: str, x: NDArray[Any]) -> list[Section]:
    """Of pictures the parts that count for the answer's place; of other examples the places of the first one."""
    found, answer = looked(run, {"x": x})
    if not found:
        return []
    name, layer = list(found.items())[-1]
    pixels = pixels_of(run, x)
    maps = parts_seen(layer, pixels.shape[1:3]) if is_picture(pixels.shape[1:]) else None
    if maps is None:
        lines = f"How much each place looks at the others: the last layer, {name}, on an example of {part}."
        return [Section(TITLE, (lines,), draw=lambda figure: draw_heads(figure, layer.values[0], (), ()))]
    titles = [""] * len(x)
    if run.dataset.kind.classes and own_losses(run.strategy) is None:
        names = run.dataset.class_names
        titles = [names[kind] for kind in run.evaluations.decision.classes(answer.numpy())]
    above = ", above each what the model says" if any(titles) else ""
    lines = (
        f"Examples of {part}{above}, below each where the last layer, {name}, looks. A part at 1 is looked at as much "
        "as the mean part, one at 2 twice as much."
    )
    return [Section(TITLE, (lines,), draw=lambda figure: draw_parts(figure, pixels, maps, titles))]


def parts_seen(layer: Looked, size: Sequence[int]) -> Floats | None:
    """How much each part of pictures is seen, [examples, down, across], the mean over the heads: by the class token if
    one stands in front of the parts, else by all of them. None where the places are no grid of square parts.

    >>> layer = Looked(np.full((1, 2, 5, 5), 0.2, np.float32))
    >>> parts_seen(layer, (8, 8)).shape, parts_seen(layer, (8, 9)) is None
    ((1, 2, 2), True)
    """
    values = layer.values.mean(axis=1)
    for front in (1, 0):
        count = values.shape[2] - front
        for down in range(2, count // 2 + 1):
            across = count // down
            fits = down * across == count and size[0] % down == 0 and size[0] // down * across == size[1]
            if fits:
                seen = values[:, 0, 1:] if front else values.mean(axis=1)
                return np.asarray(seen.reshape(len(seen), down, across))
    return None


def draw_heads(figure: Figure, values: Floats, rows: Sequence[str], seen: Sequence[str]) -> None:
    """The mean of the heads [heads, places, seen], with names where there are some, and single heads beside it."""
    from matplotlib.colors import PowerNorm

    from powertrain.train.report.charts import plain

    heads = values[:HEADS] if len(values) > 1 else values[:0]
    side = max(3.6, 0.19 * max(len(rows), len(seen)))
    figure.set_size_inches(side + 1.4 + (side if len(heads) else 0), side + 0.8)
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(2, 4) if len(heads) else figure.add_gridspec(2, 2)
    # Most shares are small: by their root they can be told apart.
    norm = PowerNorm(0.5, 0, float(values.max()))
    axes: Any = figure.add_subplot(grid[:, :2])
    shown = axes.imshow(values.mean(axis=0), cmap="viridis", norm=norm)
    axes.set_title(f"mean of {len(values)} heads" if len(heads) else "", fontsize=10)
    if rows:
        axes.set_yticks(range(len(rows)), [plain(row) for row in rows], fontsize=8)
        axes.set_xticks(range(len(seen)), [plain(one) for one in seen], rotation=90, fontsize=8)
    else:
        axes.set(xlabel="looks at", ylabel="place")
    places = [axes]
    for at, head in enumerate(heads):
        small: Any = figure.add_subplot(grid[at // 2, 2 + at % 2])
        small.imshow(head, cmap="viridis", norm=norm)
        small.set_title(f"head {at}", fontsize=10)
        small.set_xticks([])
        small.set_yticks([])
        places.append(small)
    figure.colorbar(shown, ax=places, label="share", shrink=0.8, aspect=30)


def draw_parts(figure: Figure, pixels: NDArray[Any], maps: Floats, titles: Sequence[str]) -> None:
    """Pictures in a row, and below each how much its parts are seen, as multiples of the mean part of that picture."""
    from powertrain.train.report.charts import plain

    count = len(pixels)
    figure.set_size_inches(1.35 * count + 0.8, 2.9)
    figure.set_layout_engine("constrained")
    shares = maps / np.maximum(maps.mean(axis=(1, 2), keepdims=True), 1e-12)
    # The mean is in the middle of the colours or below: what is seen evenly is not shown as bright.
    most, below = max(2.0, float(shares.max())), []
    for at, (picture, seen) in enumerate(zip(pixels, shares, strict=True)):
        axes: Any = figure.add_subplot(2, count, at + 1)
        show_picture(axes, picture)
        axes.set_title(plain(titles[at])[:16], fontsize=9)
        axes = figure.add_subplot(2, count, count + at + 1)
        height, width = picture.shape[:2]
        shown = axes.imshow(
            seen, cmap="viridis", vmin=0, vmax=most, interpolation="nearest",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )  # fmt: skip
        axes.axis("off")
        below.append(axes)
    figure.colorbar(shown, ax=below, aspect=12)


def _length(row: NDArray[Any]) -> int:
    """Tokens before the padding: what is repeated at the end."""
    other = np.flatnonzero(row != row[-1])
    end = int(other[-1]) + 1 if len(other) else 0
    return len(row) if len(row) - end == 1 else max(end, 1)


def _tokens(run: TrainRun, row: NDArray[Any]) -> list[str]:
    vocabulary, names = run.dataset.vocabulary, []
    assert vocabulary is not None
    for at in range(min(_length(row), NAMED)):
        text = str(vocabulary.decode(row[at : at + 1]))
        shown = one_line(text).strip()[:12]
        names.append(shown or (SPACE if text else SILENT))
    return names
