"""Boxes and arrows, and what they draw of how the engine works: phases and commits."""

from __future__ import annotations

from collections.abc import Sequence

from chart import CARD, COLOURS, FAINT, document, number, text

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
    parts = [ARROW, text(24, 30, "Phases: a step changes its slots at commits, and only there", size=16, weight="600")]
    parts.append(box(24, 60, 150, 60, ("forward", "loss")))
    parts.append(box(204, 60, 150, 60, ("backward", "gradients")))
    parts.append(box(384, 60, 150, 60, ("guard", "all finite?"), colour=COLOURS[1], filled=True))
    parts.append(box(564, 60, 170, 60, ("commit", "parameters, moments"), colour=COLOURS[2], filled=True))
    for x in (174, 354, 534):
        parts.append(arrow(x, 90, x + 28, 90, "yes" if x == 534 else ""))
    parts.append(box(384, 170, 150, 60, ("nothing happens", "slots as before"), colour=COLOURS[1]))
    parts.append(arrow(459, 120, 459, 166))
    parts.append(text(468, 148, "no", size=11, colour=FAINT))
    parts.append(box(564, 170, 170, 60, ("next phase", "for example, an average"), colour=COLOURS[0]))
    parts.append(arrow(649, 120, 649, 166))
    parts.append(
        box(24, 170, 330, 60, ("the error names the op", "the graph is replayed, op by op, on the same inputs"))
    )
    parts.append(arrow(384, 200, 358, 200))
    parts.append(text(24, 262, "Phases before the one that failed stay committed. The error says how many there were.",
                      size=12, colour=FAINT))  # fmt: skip
    return document(760, 282, "Phases and commits of a step", parts)


DRAWINGS = (phases_and_commits,)
