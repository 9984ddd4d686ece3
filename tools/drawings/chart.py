"""Charts as SVG text, without a library: lines, dots, bars, cells. Equal numbers give equal files.

A card of its own colour lies behind each chart, so that it reads the same on light and dark pages. A chart is hardly
wider than the page of a phone, where its words are scaled by 0.85 and can still be read.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from html import escape

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 18, 56, 48
MARGIN, LINE = 18, 18  # of the card; from one line of words to the next
IN_TITLE = 43  # characters of a line
CARD, INK, FAINT, GRID = "#fbfaf6", "#24292f", "#57606a", "#dcd9d0"
# Told apart by people who see few colours (Okabe and Ito), dark enough for the card.
COLOURS = ("#0072b2", "#c14a00", "#007a5a", "#a8467e", "#7a6a00", "#4d4d4d")


def number(value: float) -> str:
    """At most one digit behind the point: pictures stay small, and rounding noise stays out."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def text(x: float, y: float, words: str, *, size: int = 13, anchor: str = "start", colour: str = INK,
         turn: int = 0, weight: str = "") -> str:  # fmt: skip
    turned = f' transform="rotate({turn} {number(x)} {number(y)})"' if turn else ""
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{bold}'
        f"{turned}>{escape(words)}</text>"
    )


def heading(title: str) -> tuple[list[str], float]:
    """The lines of a title, and how far they push down what follows one line."""
    lines = textwrap.wrap(title, IN_TITLE)
    words = [text(MARGIN, 24 + LINE * at, line, size=15, weight="600") for at, line in enumerate(lines)]
    return words, LINE * (len(lines) - 1)


def down(by: float, parts: Iterable[str]) -> list[str]:
    """Parts, so much lower."""
    return [f'<g transform="translate(0 {number(by)})">', *parts, "</g>"] if by else list(parts)


def document(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole file, with its title for readers that speak."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">'
    )
    card = f'<rect width="{number(width)}" height="{number(height)}" rx="8" fill="{CARD}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", card, *parts, "</svg>"]) + "\n"


class Chart:
    """Axes with ticks; what is drawn lies above the grid.

    x, y    (low, high) of each axis
    log_x   a logarithmic axis
    """

    def __init__(self, title: str, x: tuple[float, float], y: tuple[float, float], x_label: str, y_label: str, *,
                 log_x: bool = False, ticks: bool = True) -> None:  # fmt: skip
        self.title, self.x, self.y, self.log_x = title, x, y, log_x
        self.parts: list[str] = []
        self.keys: list[tuple[str, str]] = []
        self._axes(x_label, y_label, ticks)

    def _px(self, value: float) -> float:
        low, high = self.x
        if self.log_x:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _py(self, value: float) -> float:
        low, high = self.y
        inside = min(max(value, low), high)
        return HEIGHT - BOTTOM - (inside - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def _axes(self, x_label: str, y_label: str, ticks: bool) -> None:
        for value in _ticks(*self.y) if ticks else ():
            at = number(self._py(value))
            self.parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
            self.parts.append(text(LEFT - 8, self._py(value) + 4, f"{value:g}", size=12, anchor="end", colour=FAINT))
        for value in (_powers(*self.x) if self.log_x else _ticks(*self.x)) if ticks else ():
            self.parts.append(
                text(self._px(value), HEIGHT - BOTTOM + 18, f"{value:g}", size=12, anchor="middle", colour=FAINT)
            )
        self.parts.append(f'<path d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}" stroke="{FAINT}"/>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        self.parts.append(text(middle, HEIGHT - 10, x_label, anchor="middle", colour=FAINT))
        self.parts.append(text(18, (TOP + HEIGHT - BOTTOM) / 2, y_label, anchor="middle", colour=FAINT, turn=-90))

    def line(self, xs: Sequence[float], ys: Sequence[float], label: str = "", *, colour: int = 0, dashed: bool = False,
             width: float = 2.2) -> None:  # fmt: skip
        points = " ".join(
            f"{number(self._px(a))},{number(self._py(b))}" for a, b in zip(xs, ys, strict=True) if math.isfinite(b)
        )
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[colour]}" stroke-width="{width:g}"{dash} '
            'stroke-linejoin="round"/>'
        )
        if label:
            self.keys.append((COLOURS[colour], label))

    def dots(self, xs: Sequence[float], ys: Sequence[float], label: str = "", *, colour: int = 0,
             radius: float = 3) -> None:  # fmt: skip
        self.parts += [
            f'<circle cx="{number(self._px(a))}" cy="{number(self._py(b))}" r="{radius:g}" fill="{COLOURS[colour]}" '
            'fill-opacity="0.75"/>'
            for a, b in zip(xs, ys, strict=True)
        ]
        if label:
            self.keys.append((COLOURS[colour], label))

    def mark(self, x: float, words: str) -> None:
        """A dashed line upright, with words beside it."""
        at = self._px(x)
        self.parts.append(f'<path d="M{number(at)} {TOP}V{HEIGHT - BOTTOM}" stroke="{FAINT}" stroke-dasharray="3 4"/>')
        right = at > (LEFT + WIDTH) / 2
        self.parts.append(text(at + (-6 if right else 6), TOP + 12, words, size=12, anchor="end" if right else "start"))

    def note(self, x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK) -> None:
        self.parts.append(text(self._px(x), self._py(y), words, size=12, anchor=anchor, colour=colour))

    def bars(self, names: Sequence[str], groups: Sequence[tuple[str, Sequence[float]]], form: str = "{:.2f}") -> None:
        """Groups of bars, each with its number on top; the axis of x goes from 0 to the number of names."""
        wide = 0.8 / len(groups)
        for at, (label, values) in enumerate(groups):
            for place, value in enumerate(values):
                left, top = self._px(place + 0.1 + at * wide), self._py(value)
                across = self._px(place + 0.1 + (at + 1) * wide) - left - 3
                base = self._py(max(self.y[0], 0))
                self.parts.append(
                    f'<rect x="{number(left)}" y="{number(top)}" width="{number(across)}" '
                    f'height="{number(base - top)}" fill="{COLOURS[at]}"/>'
                )
                self.parts.append(text(left + across / 2, top - 5, form.format(value), size=12, anchor="middle"))
            if label:
                self.keys.append((COLOURS[at], label))
        fit = int((self._px(1) - self._px(0)) / 6.5)  # characters beneath a group
        for place, name in enumerate(names):
            for line, words in enumerate(textwrap.wrap(name, fit)):
                below = HEIGHT - BOTTOM + 18 + 16 * line
                self.parts.append(text(self._px(place + 0.5), below, words, size=12, anchor="middle"))

    def svg(self) -> str:
        head, lower = heading(self.title)
        at, row, keys = float(MARGIN), 0, []
        for colour, label in self.keys:
            wide = 38 + 6.9 * len(label)
            if at > MARGIN and at + wide - 19 > WIDTH:
                at, row = float(MARGIN), row + 1
            keys.append(f'<rect x="{number(at)}" y="{35 + LINE * row}" width="14" height="4" fill="{colour}"/>')
            keys.append(text(at + 19, 42 + LINE * row, label, size=12, colour=FAINT))
            at += wide
        lower_plot = lower + LINE * row
        parts = [*down(lower_plot, self.parts), *head, *down(lower, keys)]
        return document(WIDTH, HEIGHT + lower_plot, self.title, parts)


def cells(title: str, rows: Sequence[Sequence[float]], x_label: str, y_label: str, *, size: float = 26,
          row_names: Sequence[str] = (), column_names: Sequence[str] = ()) -> str:  # fmt: skip
    """A table of shades: 0 is the card's colour, 1 the darkest blue."""
    left, top = 110, 70
    head, _ = heading(title)
    parts = list(head)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            parts.append(
                f'<rect x="{number(left + j * size)}" y="{number(top + i * size)}" width="{number(size - 1)}" '
                f'height="{number(size - 1)}" fill="{COLOURS[0]}" fill-opacity="{min(max(value, 0.0), 1.0):.2f}"/>'
            )
    width, height = left + len(rows[0]) * size, top + len(rows) * size
    for i, name in enumerate(row_names):
        parts.append(text(left - 8, top + (i + 0.68) * size, name, size=12, anchor="end"))
    for j, name in enumerate(column_names):
        parts.append(text(left + (j + 0.5) * size, top - 6, name, size=12, anchor="middle"))
    parts.append(text((left + width) / 2, height + 22, x_label, anchor="middle", colour=FAINT))
    parts.append(text(24, (top + height) / 2, y_label, anchor="middle", colour=FAINT, turn=-90))
    parts.append(f'<rect x="{left}" y="{top}" width="{number(width - left)}" height="{number(height - top)}" '
                 f'fill="none" stroke="{GRID}"/>')  # fmt: skip
    return document(max(width + 30, 440), height + 36, title, parts)


def grey_pictures(title: str, rows: Sequence[tuple[str, Sequence[Sequence[Sequence[float]]]]], pixel: float = 5) -> str:
    """Rows of small pictures, each row below its name; pixels from 0 to 1."""
    head, lower = heading(title)
    side = len(rows[0][1][0]) * pixel
    parts, y = [], 40.0
    for name, pictures in rows:
        parts.append(text(MARGIN, y + 14, name, size=13))
        for k, picture in enumerate(pictures):
            parts += _shades(MARGIN + k * (side + 8), y + 22, picture, pixel)
        y += side + 38
    width = 2 * MARGIN + len(rows[0][1]) * (side + 8) - 8
    return document(width, y + lower, title, [*head, *down(lower, parts)])


def _shades(x: float, y: float, picture: Sequence[Sequence[float]], pixel: float) -> Iterable[str]:
    side = number(len(picture) * pixel)
    yield f'<rect x="{number(x)}" y="{number(y)}" width="{side}" height="{side}" fill="#fff"/>'
    for a, line in enumerate(picture):
        for b, shade in enumerate(line):
            if round(shade, 1) > 0:
                yield (
                    f'<rect x="{number(x + b * pixel)}" y="{number(y + a * pixel)}" width="{pixel:g}" '
                    f'height="{pixel:g}" fill="{INK}" fill-opacity="{min(shade, 1.0):.1f}"/>'
                )


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers."""
    raw = (high - low) / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(at * step, 10) for at in range(first, math.floor(high / step + 1e-9) + 1)]


def _powers(low: float, high: float) -> list[float]:
    return [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
