"""XLA as a backend of powertrain: `pt.compile(step, backend="xla")`, or `backend = "xla"` in a recipe's `run`."""

from powertrain_xla.backend import Xla, XlaParams

__all__ = ["Xla", "XlaParams"]
