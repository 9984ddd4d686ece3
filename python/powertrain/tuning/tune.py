"""`pt.tune`: the search of `powertrain tune`, called from Python."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from powertrain.errors.boundary import public
from powertrain.io.temporary import TemporaryFolder
from powertrain.plugin.wording import show
from powertrain.recipe.toml import is_plain, value_text
from powertrain.train.display.display import Display
from powertrain.tuning.found import Tuned
from powertrain.tuning.search import Settings, search
from powertrain.tuning.space import TuneError

if TYPE_CHECKING:
    from powertrain.typing import Table


@public
def tune(
    recipe: str | PathLike[str] | Table,
    space: Mapping[str, object],
    *,
    trials: int = 20,
    workers: int = 1,
    metric: str = "",
    seed: int = 0,
    prune: bool = True,
    folder: str | PathLike[str] | None = None,
    max_minutes: float | None = None,
    verbose: bool = True,
    trust: bool = False,
    **overrides: object,
) -> Tuned:
    """Search for the best settings of a recipe; the same search as `powertrain tune` (docs/guides/tuning.md).

    recipe       the name of a recipe, the path of one, or its tables as a dict; no Python objects, which other
                 processes do not have
    space        what to search, by key: "1e-4..1e-1 log", "1..8", "8..64 step 8", or a list of choices
    trials       how many there are in the end; with `folder`, a later call with more goes on
    workers      trials at a time, each in a process of its own
    metric       of the validation part; what the recipe watches, measures first, or is usual, where it is not given
    seed         of what is drawn for the trials
    prune        end trials early that are worse than the median of the others at the same point
    folder       where the trials go; a temporary folder, removed with the result, where it is not given
    max_minutes  stop and save after so long
    overrides    settings of all trials: **{"run.until": "5 epochs"}

    The test part is looked at once, for the best trial, when all are over.

    Errors    a recipe or a range that is wrong, before anything is trained; all trials fail
    Example
        >>> found = pt.tune("digits", {"optimizer.lr": "1e-3..1e-2 log"}, trials=2, verbose=False,
        ...                 **{"run.until": "1 epoch"})
        >>> len(found.trials), found.metric, sorted(found.best.settings)
        (2, 'valid.accuracy', ['optimizer.lr'])
    """
    if isinstance(recipe, Mapping) and not is_plain(recipe):
        raise TuneError(
            "[tune] received Python objects in the recipe; expected names and numbers, since other processes train the "
            'trials; name the parts, as in {"model": {"use": "mlp"}}, or give a file beside it: "./model.py:Net"'
        )
    if not isinstance(space, Mapping):
        raise TuneError(
            f'[tune] received the space {show(space)}; expected a dict; write {{"optimizer.lr": "1e-4..1e-1 log"}}'
        )
    temporary: TemporaryFolder | None = None
    if folder is None:
        temporary = TemporaryFolder()
        folder = temporary.path
    settings = Settings(
        dict(recipe) if isinstance(recipe, Mapping) else str(recipe), space,
        tuple(f"{key}={value_text(value)}" for key, value in overrides.items()), trials, workers, metric, seed, prune,
        Path(folder), max_minutes, trust,
    )  # fmt: skip
    display = Display(quiet=not verbose, python=True, kept=temporary is None)
    try:
        found = search(settings, display)
    except BaseException:
        if temporary is not None:
            temporary.remove()
        raise
    if temporary is not None:
        temporary.remove_with(found)
    return found
