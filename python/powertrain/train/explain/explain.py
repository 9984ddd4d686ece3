"""`run.explain`: from what a caller gives to one of the explanations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data import DataError, InputFile
from powertrain.data.frames import demand_same_rows
from powertrain.data.in_memory import targets_of
from powertrain.data.source import columns
from powertrain.data.transforms import untransformed
from powertrain.errors.boundary import export
from powertrain.plugin.wording import suggestion
from powertrain.train.evaluate.predict import checked_examples, transformed
from powertrain.train.explain.attention import attention
from powertrain.train.explain.embedding_map import embedding_map
from powertrain.train.explain.explanation import Explanation
from powertrain.train.explain.gradients import attribution
from powertrain.train.explain.nearest import nearest
from powertrain.train.explain.occlusion import occlusion
from powertrain.train.explain.permutation import importance
from powertrain.train.folder.run_folder import RunError
from powertrain.train.preflight import demand_examples

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

LINES = 1024  # of a text that are read at once
METHODS = ("permutation", "gradients", "occlusion", "attention", "nearest", "map")
# What only some methods read: where another is asked for, it would have no effect.
HIDING = ("gradients", "occlusion")
ONLY = {"y": ("permutation", "map"), "metric": ("permutation",), "of": HIDING, "baseline": HIDING}


def explained(
    run: TrainRun, with_data: Callable[[], TrainRun], x: Any, y: Any, method: str, settings: dict[str, Any]
) -> Explanation:
    """An explanation of some examples; `with_data` gives the run with its data, which permutations of a part and
    neighbours need."""
    if method not in METHODS:
        raise RunError(
            f"[explain] received method={method!r}; expected one of {', '.join(METHODS)}{suggestion(method, METHODS)}"
        )
    for name in ("repeats", "count"):
        if type(settings[name]) is not int or settings[name] < 1:
            raise RunError(f"[explain] received {name}={settings[name]!r}; expected a whole number > 0; 5 is usual")
    if type(settings["seed"]) is not int or settings["seed"] < 0:
        raise RunError(f"[explain] received seed={settings['seed']!r}; expected a whole number >= 0; 0 is usual")
    for name, readers in ONLY.items():
        if method not in readers and (y if name == "y" else settings[name]) is not None:
            wanted, read = " or ".join(f'"{reader}"' for reader in readers), "reads" if len(readers) == 1 else "read"
            raise RunError(
                f'[explain] received {name} with method="{method}"; expected it with method={wanted}, which alone '
                f"{read} it; take that method, or leave it out"
            )
    if method in ("permutation", "nearest", "map"):
        demand_examples(run, f"explain {method}")
    folder = run.folder.path
    if method == "permutation":
        inputs, targets = _labelled(run, with_data, x, y)
        return importance(
            run, inputs, targets, settings["metric"], settings["repeats"], settings["seed"], folder
        )  # fmt: skip
    if method == "map":
        if x is not None and not isinstance(x, str) and y is None:
            return embedding_map(run, _as_seen(run, x), None, settings["seed"], folder)
        inputs, targets = _labelled(run, with_data, x, y)
        return embedding_map(run, transformed(run, inputs), targets, settings["seed"], folder)
    if x is None:
        raise RunError(f"[explain] received no examples; expected some to explain by {method}; pass them as to predict")
    if method == "occlusion":
        others = None if settings["baseline"] is None else checked_examples(run, settings["baseline"])
        return occlusion(run, checked_examples(run, x), settings["of"], others, folder)
    seen = _as_seen(run, x)
    if method == "gradients":
        baseline = None if settings["baseline"] is None else _as_seen(run, settings["baseline"])
        return attribution(run, seen, settings["of"], baseline, folder, run.dataset.names())
    if method == "attention":
        return attention(run, seen, folder)
    return nearest(_opened(with_data), seen, settings["count"], folder)


def _as_seen(run: TrainRun, x: Any) -> Array:
    """Examples as the model gets them."""
    return transformed(run, checked_examples(run, _as_tokens(run, x)))


def _as_tokens(run: TrainRun, x: Any) -> Any:
    """Texts of a language model, or one of a .txt file, as tokens: of each the first ones, as many as an example has.
    What else there may be is as it was."""
    vocabulary, count = run.dataset.vocabulary, run.dataset.context
    if not run.dataset.kind.tokens or vocabulary is None or count is None:
        return x
    if isinstance(x, Path) and x.suffix == ".txt":
        x = ["\n".join(itertools.chain.from_iterable(InputFile(x).lines(LINES)))]
    if not isinstance(x, (list, tuple)) or not x or not all(isinstance(text, str) for text in x):
        return x
    rows = [np.asarray(vocabulary.encode(text))[:count] for text in x]
    for number, row in enumerate(rows):
        if len(row) < count:
            raise RunError(
                f"[explain] text {number} has {len(row):,} tokens; expected at least the {count:,} that the model sees "
                "at once; give a longer text"
            )
    return np.stack(rows)


def _labelled(run: TrainRun, with_data: Callable[[], TrainRun], x: Any, y: Any) -> tuple[Array, Array]:
    """Examples with their targets: a caller's, or those of a part."""
    if y is not None:
        demand_same_rows(x, y, "explain", "targets")
        inputs, targets = checked_examples(run, x), targets_of(run.dataset, y, "explain")
        if len(inputs) != len(targets):
            raise RunError(
                f"[explain] received {len(inputs):,} examples and {len(targets):,} targets; expected as many of each; "
                "check the first axes"
            )
        return inputs, targets
    if x is not None and not isinstance(x, str):
        raise RunError(
            '[explain] received examples without their targets; expected both, run.explain(x, y, method="permutation")'
            ', or the name of a part, such as "test"'
        )
    dataset = _opened(with_data).dataset
    parts, part = dataset.splits, x or dataset.judged_part
    if part not in parts:
        raise RunError(
            f"[explain] received {part!r}; expected one of {', '.join(parts)}{suggestion(part, list(parts))}, or "
            "examples with their targets"
        )
    fields = columns(untransformed(parts[part]), ("x", "y"))
    return fields["x"], fields["y"]


def _opened(with_data: Callable[[], TrainRun]) -> TrainRun:
    try:
        return with_data()
    except DataError as error:
        raise RunError(
            f"[explain] the training data cannot be opened: {error}; expected it, since this looks at its examples; "
            'restore it, use method="gradients" or "occlusion", or "permutation" with examples and targets of your own'
        ) from error


export(globals())
