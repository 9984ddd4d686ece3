"""Checks of an estimator's parameters, which scikit-learn leaves to `fit`."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from powertrain import _core
from powertrain.io.inputs import max_input_bytes

if TYPE_CHECKING:
    from typing_extensions import Self

# A part of what scikit-learn's checks say; what was expected, and what to do.
_ADVICE = (
    (
        r"contains (NaN|inf)", "finite numbers",
        "put sklearn.impute.SimpleImputer() before it in a pipeline, or leave out these rows",
    ),
    (
        r"Expected 2D array, got (1D|scalar)", "a row for each example",
        "Reshape your data: x.reshape(1, -1) is one row, x.reshape(-1, 1) one column",
    ),
    (
        r"could not convert string", "numbers",
        "put sklearn.preprocessing.OneHotEncoder() before it in a pipeline",
    ),
    (r"unique column names", "a name for each column", "rename one, or leave one out"),
    (r"Can't call numpy|unsupported ScalarType", "an array of numbers", "write x.detach().float().numpy()"),
    (r"Sparse data was passed", "dense rows", "write x.toarray()"),
    (r"X has \d+ features, but", "the columns that it was fitted on", "pass these, in the same order"),
    (
        r"y should be a 1d array", "one target for each row",
        "take sklearn.multioutput.MultiOutputRegressor(model), or MultiOutputClassifier, for several",
    ),
    (r"inconsistent numbers of samples", "a target for each row", "check the lengths of X and y"),
    (r"Unknown label type: continuous", "classes", "take a Regressor for numbers, or make classes of them"),
    (r"Negative values in data passed to `sample_weight`", "weights of 0 or more", "0 leaves a row out"),
)  # fmt: skip


class EstimatorError(_core.Error, ValueError):
    """Data or parameters that cannot be used: `[where] what was received; what was expected; how to fix it`."""


class UnfittedError(_core.Error, NotFittedError):
    """An estimator that was asked before it was fitted."""


class Estimator(BaseEstimator):
    """The base class of the estimators: scikit-learn's, with errors of ours."""

    def set_params(self, **params: object) -> Self:
        """Set parameters by name, `name__part` those of a part; unknown names are refused before any is set."""
        known = self._get_param_names()
        for name, value in params.items():
            if name.partition("__")[0] not in known:
                where = type(self).__name__
                raise EstimatorError(
                    f"[{where}.set_params] received {name}={value!r}; expected one of {', '.join(known)}; see "
                    f"help({where})"
                )
        super().set_params(**params)
        return self


def demand_fitted(estimator: Any) -> None:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        where = type(estimator).__name__
        raise UnfittedError(
            f"[{where}] called before fit; expected a fitted {where}; write estimator.fit(x, y) first"
        ) from None


def forget(estimator: Estimator, *names: str) -> None:
    """Drop what an earlier `fit` left, since other settings may leave other attributes: a network, or coefficients."""
    for name in names:
        if hasattr(estimator, name):
            delattr(estimator, name)


def validated(estimator: Estimator, x: Any, *targets: Any, **settings: Any) -> Any:
    """What scikit-learn's checks make of rows, and of targets. Each number is looked at, so an array that stands for
    more of them than memory holds, as a broadcast one may, is refused before."""
    for name, value in zip("Xy", (x, *targets), strict=False):
        if isinstance(value, np.ndarray) and 0 in value.strides and value.nbytes > max_input_bytes():
            raise EstimatorError(
                f"[{type(estimator).__name__}] {name} is {value.dtype}{list(value.shape)}, {value.nbytes >> 30:,} GiB; "
                f"expected at most {max_input_bytes() >> 30:,} GiB, since all of them are read; pass fewer rows or "
                "columns"
            )
        if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
            raise EstimatorError(
                f"[{type(estimator).__name__}] {name} has masked numbers; expected a number everywhere; fill them, "
                "such as array.filled(0), or leave the rows out"
            )
    with _advised(estimator):
        return validate_data(estimator, x, *targets, **settings)


def weighed(estimator: Estimator, sample_weight: Any, x: Any) -> Any:
    """The weight of each row as float64; 1 where none is given."""
    with _advised(estimator):
        return _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)


def demand_classes(estimator: Estimator, y: Any) -> None:
    """Refuse targets that are no classes."""
    with _advised(estimator):
        check_classification_targets(y)


def demand_numbers(estimator: Estimator, y: Any) -> None:
    """Refuse targets that are texts, of which no mean can be taken."""
    if y.dtype.kind not in "biuf":
        raise EstimatorError(
            f"[{type(estimator).__name__}] y has {y.dtype.type.__name__.rstrip('_')} values; expected numbers; take a "
            "Classifier for classes"
        )


def drawer(where: str, seed: Any) -> np.random.RandomState:
    """What draws for a `random_state`."""
    try:
        return check_random_state(seed)
    except ValueError:
        raise EstimatorError(
            f"[{where}] random_state = {seed!r}; expected a whole number, None or a numpy.random.RandomState; write "
            "random_state=0"
        ) from None


@contextmanager
def _advised(estimator: Estimator) -> Iterator[None]:
    """What scikit-learn's checks refuse, in our form and with what to do."""
    try:
        yield
    except Exception as error:  # of whatever library the rows are
        for part, expected, fix in _ADVICE:
            if re.search(part, str(error)):
                said = str(error).partition("\n")[0].partition(". ")[0].rstrip(".:").removesuffix(", got")
                text = f"[{type(estimator).__name__}] {said}; expected {expected}; {fix}"
                raise EstimatorError(text) from None
        raise


def above(where: str, name: str, value: Any, low: float = 0.0, including: bool = False) -> float:
    """A number above `low`."""
    good = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not good or not (value >= low if including else value > low):
        sign = ">=" if including else ">"
        raise EstimatorError(f"[{where}] {name} = {value!r}; expected a number {sign} {low:g}; 1.0 is usual")
    return float(value)


def whole(where: str, name: str, value: Any, low: int = 1) -> int:
    """A whole number from `low` on."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < low:
        raise EstimatorError(f"[{where}] {name} = {value!r}; expected a whole number >= {low}; change {name}")
    return int(value)
