"""The error of this distribution's plugins."""

from __future__ import annotations

import powertrain as pt


class VisionError(pt.Error, ValueError):
    """Data or parameters that cannot be used: `[where] what was received; what was expected; how to fix it`."""
