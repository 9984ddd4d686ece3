"""The plugins that come with the engine: models, losses, data sets, strategies, callbacks and recipes.

Nothing else in the engine imports them: they are found by their entry points, as everybody's are.
"""

from powertrain.builtin import data, losses, models
from powertrain.errors.modules import answer_calls

__all__ = ["data", "losses", "models"]

answer_calls(__name__)
