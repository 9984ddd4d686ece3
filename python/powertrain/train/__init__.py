"""The trainer: from a recipe to a run, its folder and its report."""
