"""Comparing recipes on folds of the same data, choosing one, and how much another row of data would bring."""
