"""Search for hyper-parameters: trials of a recipe, by Optuna, in several processes."""

from powertrain.errors.modules import answer_calls

answer_calls(__name__)
