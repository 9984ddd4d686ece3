"""What `powertrain suggest` asks of a table: how it looks, what is tried on it, how its rows are dealt out."""

from powertrain_tabular.suggesting.question import Question, Wishes

__all__ = ["Question", "Wishes"]
