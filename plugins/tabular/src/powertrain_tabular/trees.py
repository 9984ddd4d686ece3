"""LightGBM's trees behind the engine's protocol: one tree, a forest, boosting. Their state is LightGBM's own text."""

from __future__ import annotations

import json
import os
import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataModule
from powertrain.plugin import HostModel, Inputs, ModelError, Section, param
from powertrain_tabular.grown import Grown, grown_sections

MOST_THREADS = 64  # or as many as there are processors
INSTALL = "pip install 'powertrain-tabular[trees]'"
SMALLEST = 1e-7  # probability whose logarithm is still a usable logit


@dataclass(frozen=True, kw_only=True)
class Growing:
    """What all kinds of trees take."""

    leaves: int = param(31, low=2, high=131_072, doc="most leaves of a tree")
    least_rows: int = param(20, low=1, doc="fewest training rows of a leaf")
    depth: int | None = param(None, low=1, doc="most splits on the way to a leaf")
    seed: int = param(0, low=0, high=2**31 - 1, doc="draws rows and features")
    threads: int = param(1, low=1, high=1024, doc="threads of LightGBM; results may depend on them")


class _Trees(HostModel):
    """Fits with LightGBM's settings, which a subclass gives."""

    Params: ClassVar[type]
    weighs: ClassVar[bool] = True

    def __init__(self, params: Any, inputs: Inputs) -> None:
        super().__init__()
        self.params, self.task, self.outputs = params, inputs.task, inputs.outputs

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> _Trees:
        if inputs.task not in ("classification", "regression") or (inputs.task == "regression" and inputs.outputs > 1):
            raise ModelError(
                f"[{cls.__name__}] {inputs.outputs} outputs of {inputs.task}; expected classes or one number; choose "
                "another model"
            )
        most = max(MOST_THREADS, os.cpu_count() or 1)
        if params.threads > most:
            raise ModelError(
                f"[{cls.__name__}] threads = {params.threads}; expected at most {most} on this machine; more make it "
                "slower, or cannot be started"
            )
        return cls(params, inputs)

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """LightGBM's parameters."""

    def rounds(self) -> int:
        return 1

    def patience(self) -> int | None:
        return None

    def measure(self) -> Any:
        """A loss to watch in place of LightGBM's."""
        return None

    def fit(self, train: Any, valid: Any | None) -> Any:
        lightgbm = _library()
        # LightGBM makes room for all leaves at once. A tree has no more of them than rows.
        leaves = min(self.params.leaves, max(2, len(train["y"])))
        settings = {**self._common(), **self.settings(), "num_leaves": leaves}
        rows = lightgbm.Dataset(
            _flat(train["x"]), train["y"], weight=train.get("weight"), params=settings, free_raw_data=False
        )
        losses: dict[str, dict[str, list[float]]] = {}
        watched, callbacks = {"train": rows}, [lightgbm.record_evaluation(losses)]
        if valid is not None:
            watched["valid"] = lightgbm.Dataset(
                _flat(valid["x"]), valid["y"], weight=valid.get("weight"), reference=rows, params=settings
            )
            if self.patience() is not None:
                callbacks.append(lightgbm.early_stopping(self.patience(), verbose=False))
        try:
            booster = lightgbm.train(
                settings, rows, self.rounds(), list(watched.values()), list(watched), feval=self.measure(),
                callbacks=callbacks,
            )  # fmt: skip
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(
                f"[{type(self).__name__}] LightGBM says: {' '.join(str(error).split())}; expected rows and settings "
                "that it can fit; take more rows, or change the settings of the model"
            ) from error
        return Grown(booster, {part: next(iter(curve.values())) for part, curve in losses.items()})

    def _common(self) -> dict[str, Any]:
        params = self.params
        objective = "regression" if self.task == "regression" else "binary" if self.outputs == 2 else "multiclass"
        more = {"num_class": self.outputs} if objective == "multiclass" else {}
        # LightGBM reckons the rows of a leaf from their weights: a light row alone would be none.
        least = 0 if params.least_rows == 1 else params.least_rows
        return {
            "objective": objective, **more, "min_data_in_leaf": least,
            "seed": params.seed, "num_threads": params.threads, "deterministic": True, "force_row_wise": True,
            "verbosity": -1, "feature_pre_filter": False, "max_depth": params.depth or -1,
        }  # fmt: skip

    def answer(self, state: Grown, x: Any) -> NDArray[Any]:
        made = np.asarray(state.booster.predict(_flat(x), num_iteration=state.best, num_threads=self.params.threads))
        if self.task == "regression":
            return made.reshape(-1, 1)
        shares = np.stack([1 - made, made], axis=1) if made.ndim == 1 else made
        return np.asarray(np.log(np.clip(shares, SMALLEST, 1)))

    def dump(self, state: Grown) -> bytes:
        kept = {"losses": state.losses, "trees": state.booster.model_to_string(state.best)}
        return json.dumps(kept, allow_nan=False).encode()

    def load(self, data: bytes) -> Grown:
        read = json.loads(data)
        return Grown(_library().Booster(model_str=read["trees"]), read["losses"])

    def importances(self, state: Grown) -> NDArray[np.float64]:
        """Each column's share of what all splits together gained."""
        return state.importances()

    def sections_of(self, state: Grown, dataset: DataModule) -> list[Section]:
        return grown_sections(state, dataset, "squared error" if self.task == "regression" else "log loss")


def _library() -> Any:
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # OSError: libgomp is not there
        raise ModelError(
            f"[lightgbm] it cannot be imported ({error}); expected LightGBM; {INSTALL} (Debian: libgomp1)"
        ) from None
    return lightgbm


def _flat(x: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(x, dtype=np.float32).reshape(len(x), -1)


class Boosting(_Trees):
    """Gradient boosting: each tree corrects the errors of those before it. With a valid part it stops early."""

    @dataclass(frozen=True, kw_only=True)
    class Params(Growing):
        trees: int = param(300, low=1, doc="most trees")
        learning_rate: float = param(
            0.05, above=0, high=1, doc="how much of its answer a tree gives", usual="0.05 is usual"
        )
        balance: bool = param(False, doc="two classes: weigh the rarer as much as the other")
        patience: int = param(50, low=1, doc="trees without improvement on valid before it stops")
        rows: float = param(1.0, above=0, high=1, doc="share of the rows that a tree sees")
        features: float = param(1.0, above=0, high=1, doc="share of the features that a tree sees")
        l2: float = param(0.0, low=0, doc="weight of the squares of the leaves' values")

    def settings(self) -> dict[str, Any]:
        params = self.params
        return {
            "learning_rate": params.learning_rate, "bagging_fraction": params.rows,
            "bagging_freq": int(params.rows < 1),
            "feature_fraction": params.features, "lambda_l2": params.l2,
            "is_unbalance": params.balance and self.task == "classification" and self.outputs == 2,
        }  # fmt: skip

    def rounds(self) -> int:
        return int(self.params.trees)

    def patience(self) -> int | None:
        return int(self.params.patience)


class _Shares(_Trees):
    """Trees whose leaves answer with the shares of the classes among their rows.

    LightGBM's leaves hold Newton steps of a log loss. From even odds, where each row's second derivative is 1/4, a step
    is 4 (share - 1/2), and a split gains what it takes off the Gini impurity, each class against the rest.
    """

    def _common(self) -> dict[str, Any]:
        of_classes = {"boost_from_average": False, "metric": "None"} if self.task == "classification" else {}
        leaves = {"min_data_in_bin": 1, "min_sum_hessian_in_leaf": 1e-9}
        common = {**super()._common(), **of_classes, **leaves}
        return {**common, "objective": "multiclassova"} if common["objective"] == "multiclass" else common

    def fit(self, train: Any, valid: Any | None) -> Grown:
        state: Grown = super().fit(train, valid)
        # A tree whose rows could not be split is a constant, which LightGBM makes 0 or a logarithm of odds.
        bare = [int(tree) for tree in re.findall(r"^Tree=(\d+)\nnum_leaves=1$", state.booster.model_to_string(), re.M)]
        if bare:
            of_all = self._leaf_of_all(train["y"], train.get("weight"))
            for tree in bare:
                state.booster.set_leaf_output(tree, 0, of_all[tree % len(of_all)])
        return state

    def _leaf_of_all(self, y: Any, weight: Any) -> NDArray[Any]:
        """What a leaf holds to which all rows belong, for each of the trees that are grown at once."""
        if self.task == "regression":
            return np.atleast_1d(np.average(y, weights=weight))
        shares = np.bincount(np.asarray(y, np.int64), weight, self.outputs) / (
            len(y) if weight is None else weight.sum()
        )
        return np.asarray(4 * (shares - 0.5))[1:] if self.outputs == 2 else np.asarray(4 * (shares - 0.5))

    def measure(self) -> Any:
        return self._log_loss if self.task == "classification" else None

    def _log_loss(self, odds: Any, rows: Any) -> tuple[str, float, bool]:
        """The log loss of the shares, from the probabilities that LightGBM takes the steps for."""
        odds = np.clip(odds, SMALLEST**2, 1 - 1e-16)
        shares = _shares(np.log(odds / (1 - odds)))
        own = shares[np.arange(len(shares)), rows.get_label().astype(np.int64)]
        return "log_loss", float(np.average(-np.log(np.clip(own, SMALLEST, 1)), weights=rows.get_weight())), False

    def answer(self, state: Grown, x: Any) -> NDArray[Any]:
        if self.task == "regression":
            return super().answer(state, x)
        steps = state.booster.predict(_flat(x), raw_score=True, num_threads=self.params.threads)
        # Raw scores of a forest are sums.
        return np.asarray(np.log(np.clip(_shares(steps / state.trees), SMALLEST, 1)))


def _shares(steps: Any) -> NDArray[Any]:
    """The shares of the classes, from steps [rows], or [rows, classes] of each against the rest."""
    own = np.clip(0.5 + np.asarray(steps) / 4, 0, 1)
    shares = np.stack([1 - own, own], axis=1) if own.ndim == 1 else own
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / shares.shape[1]))


class Forest(_Shares):
    """A random forest: the mean of trees that each see some rows and some features."""

    @dataclass(frozen=True, kw_only=True)
    class Params(Growing):
        trees: int = param(200, low=1, doc="how many trees")
        rows: float = param(0.632, above=0, below=1, doc="share of the rows that a tree sees")
        features: float = param(0.5, above=0, high=1, doc="share of the features that a split sees")

    def settings(self) -> dict[str, Any]:
        params = self.params
        return {
            "boosting": "rf", "bagging_fraction": params.rows, "bagging_freq": 1,
            "feature_fraction_bynode": params.features,
        }  # fmt: skip

    def rounds(self) -> int:
        return int(self.params.trees)


class Tree(_Shares):
    """One decision tree."""

    Params = Growing

    def settings(self) -> dict[str, Any]:
        return {"learning_rate": 1.0}
