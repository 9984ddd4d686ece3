"""The page of a report on a mixture: its components, and a picture of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Section
from powertrain.solvers import principal_components

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain_tabular.covariances import Floats

MOST_ROWS, MOST_COMPONENTS = 3000, 32  # that are shown
DEVIATIONS = 2.0  # at which an ellipse is drawn


def mixture_section(
    criteria: Mapping[str, float], weights: Floats, means: Floats, matrices: Floats, rows: NDArray[Any]
) -> Section:
    """Weights and spreads, largest first; rows with ellipses of the components along two principal components."""
    shown = np.argsort(-weights, kind="stable")[:MOST_COMPONENTS]
    spread = np.sqrt(np.trace(matrices, axis1=1, axis2=2) / means.shape[1])
    table = [("component", "share of rows", "deviation of a feature")]
    table += [(str(at), f"{weights[at]:.3f}", f"{spread[at]:.4g}") for at in shown]
    lines = (
        f"Mean log-likelihood of a training row: {criteria['log-likelihood']:.4f}, with {criteria['numbers']:,.0f} "
        f"free numbers. BIC {criteria['BIC']:,.1f}, AIC {criteria['AIC']:,.1f}: of several mixtures of them, take "
        "the one where they are least.",
    )
    x = rows.reshape(len(rows), -1)[:: max(1, len(rows) // MOST_ROWS)].astype(np.float32)
    axes = principal_components(x).components[:2].astype(np.float64) if min(x.shape) > 1 else None
    if axes is None:
        return Section("Mixture", lines, tuple(table))

    def draw(figure: Figure) -> None:
        from matplotlib.patches import Ellipse

        figure.set_size_inches(6.4, 5.4)
        plane = figure.add_subplot()
        points = x @ axes.T
        plane.scatter(points[:, 0], points[:, 1], s=4, color="gray", alpha=0.4, linewidths=0)
        for number, at in enumerate(shown):
            sizes, turns = np.linalg.eigh(axes @ matrices[at] @ axes.T)
            across, up = 2 * DEVIATIONS * np.sqrt(np.maximum(sizes, 0))
            angle = float(np.degrees(np.arctan2(turns[1, 0], turns[0, 0])))
            middle = axes @ means[at]
            plane.add_patch(Ellipse(tuple(middle), across, up, angle=angle, fill=False, color=f"C{number % 10}"))
            plane.annotate(str(at), tuple(middle), color=f"C{number % 10}", ha="center", va="center")
        plane.set(xlabel="first principal component", ylabel="second", title="two deviations around each component")
        plane.grid(alpha=0.3)

    return Section("Mixture", lines, tuple(table), draw)
