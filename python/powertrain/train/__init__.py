"""The trainer: from a recipe to a run, its folder and its report."""

from powertrain.errors.modules import answer_calls

answer_calls(__name__)
