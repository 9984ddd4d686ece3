"""The error of this room."""

from __future__ import annotations

from powertrain._core import Error


class MonitorError(Error, ValueError):  # type: ignore[misc, unused-ignore]
    """A profile, a rule or observations that cannot be used.

    Example
        >>> issubclass(pt.monitor.MonitorError, ValueError)
        True
    """
