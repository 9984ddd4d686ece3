"""The error of this distribution's plugins."""

from __future__ import annotations

import powertrain as pt


class FederatedError(pt.Error, ValueError):
    """Data or settings that cannot be used: `[where] what was received; what was expected; how to fix it`."""
