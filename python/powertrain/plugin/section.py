"""A page that a plugin adds to the report, and what several draw: how much each named column counts, histograms."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from powertrain.plugin.declared import FieldError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.typing import Array

BINS = 40
MOST = 20  # bars
LONGEST = 40  # letters of a name
PLAIN_COLOURS = 10  # that are told apart without their paler copies


@dataclasses.dataclass(frozen=True)
class Section:
    """What data, a model or a strategy says in the report: sentences, a table whose first row is its head, a picture,
    sounds.

    `draw` gets an empty `matplotlib.figure.Figure`, where matplotlib is there. `sounds` are WAV files by what is heard
    in them.

    Example
        >>> from powertrain.plugin import Section
        >>> Section('Words', lines=('two texts',)).title
        'Words'
    """

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    draw: Callable[[Figure], None] | None = None
    sounds: Mapping[str, bytes] = dataclasses.field(default_factory=dict)

    def png(self) -> bytes | None:
        """The picture as a PNG file; None where there is none, or matplotlib is not installed."""
        if self.draw is None or importlib.util.find_spec("matplotlib") is None:
            return None
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure, buffer = Figure(figsize=(8.4, 3.4)), io.BytesIO()
        FigureCanvasAgg(figure)
        self.draw(figure)
        figure.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def columns_section(
    title: str,
    names: Sequence[str],
    values: Array,
    label: str,
    *,
    lines: Sequence[str] = (),
    signed: bool = False,
) -> Section:
    """The columns that count most, the largest above. `label` says what the length of a bar is; where values are
    `signed`, those above and below zero have colours of their own.

    Example
        >>> from powertrain.plugin import columns_section
        >>> columns_section('Weights', ['a', 'b'], np.array([0.5, 2.0]), 'size').title
        'Weights'
    """
    sizes = np.asarray(values, dtype=np.float64)
    shown = np.argsort(-np.abs(sizes), kind="stable")[:MOST]
    idle = int(np.count_nonzero(sizes == 0))
    rest = [f"{idle:,} of {len(names):,} columns count for nothing."] if idle else []
    if len(sizes) > len(shown):
        rest.append(f"The {len(shown)} of {len(sizes):,} that count most are shown.")
    chosen = [(_short(names[at]), float(sizes[at])) for at in shown]
    said = (*lines, " ".join(rest)) if rest else tuple(lines)
    return Section(title, said, draw=lambda figure: _draw(figure, chosen, label, signed))


def pictures_section(
    title: str, pictures: ArrayLike, *, columns: int = 10, lines: Sequence[str] = (), rows: Sequence[str] = ()
) -> Section:
    """Pictures side by side, `columns` in a row: [count, height, width], or with 1 or 3 colours as the last axis.

    Numbers from 0 to 1 go from black to white, and what lies outside is cut. `rows` says what each row shows.

    Errors    an array of another shape, or with numbers that are not finite
    Example
        >>> from powertrain.plugin import pictures_section
        >>> pictures_section('Samples', np.zeros((20, 8, 8)), rows=['first', 'second']).title
        'Samples'
    """
    shown = np.asarray(pictures, dtype=np.float64)
    if shown.ndim not in (3, 4) or (shown.ndim == 4 and shown.shape[-1] not in (1, 3)) or not len(shown):
        raise FieldError(
            f"[pictures_section] received an array of shape {list(shown.shape)}; expected [count, height, width] or "
            "[count, height, width, colours] of 1 or 3 colours; reshape it"
        )
    if not np.isfinite(shown).all():
        raise FieldError("[pictures_section] received NaN or infinity; expected finite numbers; leave those out")
    shown = np.clip(shown[..., 0] if shown.ndim == 4 and shown.shape[-1] == 1 else shown, 0, 1)
    return Section(title, tuple(lines), draw=lambda figure: _draw_pictures(figure, shown, columns, rows))


def points_section(
    title: str,
    points: ArrayLike,
    kinds: ArrayLike | None = None,
    names: Sequence[str] = (),
    *,
    axes: tuple[str, str] = ("", ""),
    lines: Sequence[str] = (),
) -> Section:
    """Points on a plane [count, 2]; `kinds` says the number of each one's name in `names`, by which it is coloured.
    `axes` says what the two numbers are.

    Errors    an array of another shape, or as many kinds as there are no points
    Example
        >>> from powertrain.plugin import points_section
        >>> points_section('Map', np.zeros((3, 2)), [0, 1, 0], ['cat', 'dog']).title
        'Map'
    """
    places = np.asarray(points, dtype=np.float64)
    given = None if kinds is None else np.asarray(kinds)
    if places.ndim != 2 or places.shape[1] != 2 or (given is not None and given.shape != places.shape[:1]):
        with_kinds = "" if given is None else f" with kinds of shape {list(given.shape)}"
        raise FieldError(
            f"[points_section] received points of shape {list(places.shape)}{with_kinds}; expected [count, 2], and a "
            "kind for each; reshape them"
        )
    return Section(title, tuple(lines), draw=lambda figure: draw_points(figure, places, given, names, axes))


def bin_edges(values: Array) -> NDArray[np.float64]:
    """Return the edges of 40 bins of a histogram, from the smallest finite value to the largest.

    Where floats cannot tell that many edges apart, it is one bin around the values. NumPy and matplotlib raise there.

    Example
        >>> bin_edges(np.array([0.0, 40.0, np.nan]))[:3].tolist(), len(bin_edges(np.array([3.0, 3.0])))
        ([0.0, 1.0, 2.0], 2)
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edges = np.linspace(low, high, BINS + 1)
    if (np.diff(edges) > 0).all() and np.isfinite(edges).all():
        return edges
    beside = max(abs(low), abs(high), 1.0) * 1e-6
    return np.array([low - beside, high + beside])


def draw_points(
    figure: Figure, points: Array, kinds: Array | None, names: Sequence[str], axes: tuple[str, str]
) -> None:
    """Points coloured by kind, with a legend of the names of those that are there."""
    figure.set_size_inches(6.8, 5.2)
    plane = figure.add_subplot()
    if kinds is None:
        plane.scatter(points[:, 0], points[:, 1], s=9)
    else:
        shown = [kind for kind in range(len(names)) if (kinds == kind).any()]
        for kind in shown:
            colour: Any = f"C{kind}"
            if len(names) > PLAIN_COLOURS:
                from matplotlib import colormaps

                colour = colormaps["tab20"](kind % 20)
            plane.scatter(
                points[kinds == kind, 0], points[kinds == kind, 1], s=9, color=colour, label=_short(names[kind])
            )
        if shown:
            plane.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, markerscale=2)
    plane.set(xlabel=axes[0], ylabel=axes[1])


def _draw_pictures(figure: Any, shown: NDArray[np.float64], columns: int, names: Sequence[str]) -> None:
    """One image of all, with a line of white between two."""
    count, height, width = shown.shape[:3]
    deep = -(-count // columns)
    sheet = np.ones((deep * (height + 1) - 1, columns * (width + 1) - 1, *shown.shape[3:]))
    for at, picture in enumerate(shown):
        top, left = at // columns * (height + 1), at % columns * (width + 1)
        sheet[top : top + height, left : left + width] = picture
    size = min(0.8, 8.4 / columns)  # inches of a picture
    figure.set_size_inches(size * columns + (1.4 if names else 0), size * deep * height / width)
    axes = figure.add_subplot()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([at * (height + 1) + height / 2 for at in range(len(names))], [_short(name) for name in names])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _short(name: str) -> str:
    shown = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
    return shown.replace("$", r"\$")  # between two, matplotlib would look for a formula


def _draw(figure: Any, chosen: Sequence[tuple[str, float]], label: str, signed: bool) -> None:
    figure.set_size_inches(8.4, 1.1 + 0.27 * max(len(chosen), 3))
    axes = figure.add_subplot()
    names, values = [name for name, _ in chosen], np.array([value for _, value in chosen])
    colours = ["C0" if value >= 0 else "C3" for value in values] if signed else "C0"
    bars = axes.barh(range(len(values)), values, color=colours)
    axes.set_yticks(range(len(values)), names, fontsize=9)
    axes.set_ylim(max(len(values), 3) - 0.4, -0.6)
    axes.bar_label(bars, fmt="%.2g", padding=3, fontsize=8)
    axes.margins(x=0.12)
    axes.axvline(0, color="gray", linewidth=1)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)
    figure.set_layout_engine("constrained")
