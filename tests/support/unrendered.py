"""Pictures of reports that are drawn, and not rendered: where a test asks for other things, letters and lines in pixels
take most of its time. Tests marked `pictures`, processes that tests start and `make test-all` render them."""

from __future__ import annotations

import base64
import functools
import os
import sys
from typing import Any

import pytest

CHARTS = "powertrain.train.report.charts"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")


def choose(item: pytest.Item) -> None:
    """For the test that comes. The first report of a process brings the module of charts, and is rendered."""
    charts: Any = sys.modules.get(CHARTS)
    if charts is None or os.environ.get("POWERTRAIN_ALL"):
        return
    rendering, quick = _canvases()
    charts.FigureCanvasAgg = rendering if item.get_closest_marker("pictures") else quick


@functools.cache
def _canvases() -> tuple[type, type]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    class Unrendered(FigureCanvasAgg):  # type: ignore[misc, unused-ignore]
        def print_figure(self, filename: Any, *given: Any, **settings: Any) -> None:
            filename.write(PIXEL)

    return FigureCanvasAgg, Unrendered
