"""Checks of an estimator's parameters, which scikit-learn leaves to `fit`."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from powertrain import _core

if TYPE_CHECKING:
    from typing_extensions import Self


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
