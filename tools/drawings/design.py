"""Boxes and arrows, and what they draw of how the engine works: phases and commits."""

from __future__ import annotations

from collections.abc import Sequence

from chart import CARD, COLOURS, FAINT, LINE, WIDTH, document, down, heading, number, text

ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{FAINT}"/></marker></defs>'
)


def box(x: float, y: float, width: float, height: float, lines: Sequence[str], *, colour: str = COLOURS[0],
        filled: bool = False) -> str:  # fmt: skip
    """A box with lines of words in its middle, the first one in bold."""
    parts = [
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="6" '
        f'fill="{colour if filled else CARD}" fill-opacity="{0.12 if filled else 1:g}" stroke="{colour}" '
        'stroke-width="1.5"/>'
    ]
    first = y + height / 2 - 8 * (len(lines) - 1) + 4.5
    for place, line in enumerate(lines):
        style = {"weight": "600"} if place == 0 else {"colour": FAINT}
        parts.append(text(x + width / 2, first + 16 * place, line, size=13 if place == 0 else 12, anchor="middle",
                          **style))  # fmt: skip
    return "\n".join(parts)


def arrow(x1: float, y1: float, x2: float, y2: float, words: str = "", *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    line = (
        f'<path d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" stroke="{FAINT}" stroke-width="1.5"{dash} '
        'marker-end="url(#tip)"/>'
    )
    if not words:
        return line
    return f"{line}\n{text((x1 + x2) / 2, min(y1, y2) - 6, words, size=11, anchor='middle', colour=FAINT)}"


def phases_and_commits() -> str:
    """A step of two phases: each is committed whole, or not at all."""
    title = "Phases: a step changes its slots at commits, and only there"
    head, lower = heading(title)
    left, right, high = (18, 160), (212, 190), 56  # x and width of the columns
    rows = [48 + at * 92 for at in range(4)]
    down_left, down_right = (x + wide / 2 for x, wide in (left, right))
    parts = [ARROW]
    for (x, wide), row, lines, colour, filled in (
        (left, 0, ("forward", "loss"), COLOURS[0], False),
        (left, 1, ("backward", "gradients"), COLOURS[0], False),
        (left, 2, ("guard", "all finite?"), COLOURS[1], True),
        (left, 3, ("commit", "parameters, moments"), COLOURS[2], True),
        (right, 1, ("the error names the op", "replayed on the same inputs"), COLOURS[0], False),
        (right, 2, ("nothing happens", "slots as before"), COLOURS[1], False),
        (right, 3, ("next phase", "for example, an average"), COLOURS[0], False),
    ):
        parts.append(box(x, rows[row], wide, high, lines, colour=colour, filled=filled))
    parts += [arrow(down_left, rows[at] + high, down_left, rows[at + 1] - 3) for at in range(3)]
    parts.append(arrow(down_right, rows[2], down_right, rows[1] + high + 3))
    parts += [arrow(sum(left), rows[at] + high / 2, right[0] - 3, rows[at] + high / 2) for at in (2, 3)]
    parts.append(text(down_left + 8, rows[3] - 14, "yes", size=12, colour=FAINT))
    parts.append(text((sum(left) + right[0]) / 2, rows[2] + high / 2 - 6, "no", size=12, anchor="middle", colour=FAINT))
    bottom = rows[3] + high
    words = ("Phases before the one that failed stay committed.", "The error says how many there were.")
    parts += [text(left[0], bottom + 26 + LINE * at, line, size=12, colour=FAINT) for at, line in enumerate(words)]
    return document(WIDTH, bottom + 60 + lower, title, [*head, *down(lower, parts)])


DRAWINGS = (phases_and_commits,)
