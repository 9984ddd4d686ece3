"""Recipes: a TOML file that says what to train, checked as a whole before anything runs."""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.recipe.durations import Duration, Limit
from powertrain.recipe.reader import load_recipe
from powertrain.recipe.sections import OptimizerUse, Recipe, RunSection, Split, Use
from powertrain.recipe.source import RecipeError

__all__ = ["Duration", "Limit", "OptimizerUse", "Recipe", "RecipeError", "RunSection", "Split", "Use", "load_recipe"]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
