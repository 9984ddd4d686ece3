"""SciPy and scikit-learn on tensors, by the array API. Run as a program: prints what each case found, as JSON."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import powertrain as pt

CASES: dict[str, Callable[[], None]] = {}
X = np.random.default_rng(3).standard_normal((12, 5))
POSITIVE = np.abs(X) + 0.1
LABELS, GUESSES = np.arange(12) % 3, np.arange(12) % 4 % 3


def case(function: Callable[[], None]) -> Callable[[], None]:
    CASES[function.__name__] = function
    return function


def agrees(function: Callable[..., Any], *arrays: Any, **settings: Any) -> None:
    """The same of tensors as of arrays, and a tensor where NumPy's is an array."""
    want = function(*arrays, **settings)
    got = function(*(pt.tensor(array) for array in arrays), **settings)
    pairs = zip(want, got, strict=True) if isinstance(want, tuple) else [(want, got)]
    for one, other in pairs:
        if isinstance(one, np.ndarray) and one.ndim:
            assert isinstance(other, pt.Tensor), f"{type(other).__name__} came back"
        np.testing.assert_allclose(np.asarray(other), one, rtol=1e-10, atol=1e-12)


@case
def scipy_logsumexp() -> None:
    from scipy.special import logsumexp

    agrees(logsumexp, X, axis=1)
    agrees(logsumexp, X, axis=0, keepdims=True)


@case
def scipy_softmax() -> None:
    from scipy.special import softmax

    agrees(softmax, X, axis=-1)


@case
def scipy_log_softmax() -> None:
    from scipy.special import log_softmax

    agrees(log_softmax, X, axis=-1)


@case
def scipy_zscore() -> None:
    from scipy.stats import zscore

    agrees(zscore, X, axis=0, ddof=1)


@case
def scipy_skew() -> None:
    from scipy.stats import skew

    agrees(skew, X, axis=0)


@case
def scipy_kurtosis() -> None:
    from scipy.stats import kurtosis

    agrees(kurtosis, X, axis=0, bias=False)


@case
def scipy_gmean() -> None:
    from scipy.stats import gmean

    agrees(gmean, POSITIVE, axis=0)


@case
def scipy_hmean() -> None:
    from scipy.stats import hmean

    agrees(hmean, POSITIVE, axis=0)


@case
def scipy_moment() -> None:
    from scipy.stats import moment

    agrees(moment, X, order=3, axis=0)


@case
def scipy_variation() -> None:
    from scipy.stats import variation

    agrees(variation, POSITIVE, axis=0)


@case
def scipy_sem() -> None:
    from scipy.stats import sem

    agrees(sem, X, axis=0)


@case
def scipy_zmap() -> None:
    from scipy.stats import zmap

    agrees(zmap, X, X[:6], axis=0)


@case
def scipy_pearsonr() -> None:
    from scipy.stats import pearsonr

    agrees(lambda x, y: (pearsonr(x, y).statistic,), X[:, 0], X[:, 1])


@case
def scipy_entropy() -> None:
    from scipy.stats import entropy

    agrees(entropy, POSITIVE, axis=0)


@case
def scipy_rel_entr() -> None:
    from scipy.special import rel_entr

    agrees(rel_entr, POSITIVE, POSITIVE[::-1].copy())


@case
def scipy_hilbert_fft() -> None:
    from scipy import fft

    agrees(fft.rfft, X, axis=0)
    agrees(fft.ifft, X + 1j * X[::-1], axis=0)


@case
def scipy_differential_entropy_of_a_sample() -> None:
    from scipy.stats import differential_entropy

    agrees(differential_entropy, X, axis=0)


def dispatched(make: Callable[[], Any], *, y: Any = None, attributes: tuple[str, ...] = ()) -> None:
    """A transformer of scikit-learn's that is fitted to tensors."""
    import sklearn

    x, want = X.astype("float32"), make().fit(X.astype("float32"))
    with sklearn.config_context(array_api_dispatch=True):
        got = make().fit(pt.tensor(x))
        transformed = got.transform(pt.tensor(x))
    assert isinstance(transformed, pt.Tensor)
    np.testing.assert_allclose(np.asarray(transformed), want.transform(x), rtol=2e-4, atol=2e-4)
    for name in attributes:
        np.testing.assert_allclose(np.asarray(getattr(got, name)), getattr(want, name), rtol=2e-4, atol=2e-4)


@case
def sklearn_standard_scaler() -> None:
    from sklearn.preprocessing import StandardScaler

    dispatched(StandardScaler, attributes=("mean_", "var_", "scale_"))


@case
def sklearn_min_max_scaler() -> None:
    from sklearn.preprocessing import MinMaxScaler

    dispatched(MinMaxScaler, attributes=("data_min_", "data_max_"))


@case
def sklearn_max_abs_scaler() -> None:
    from sklearn.preprocessing import MaxAbsScaler

    dispatched(MaxAbsScaler, attributes=("max_abs_",))


@case
def sklearn_normalizer() -> None:
    from sklearn.preprocessing import Normalizer

    dispatched(Normalizer)


@case
def sklearn_binarizer() -> None:
    from sklearn.preprocessing import Binarizer

    dispatched(Binarizer)


@case
def sklearn_pca() -> None:
    from sklearn.decomposition import PCA

    dispatched(lambda: PCA(3, svd_solver="full"), attributes=("explained_variance_", "mean_"))
    dispatched(lambda: PCA(2, svd_solver="covariance_eigh"), attributes=("explained_variance_",))


def scored(name: str, *arrays: Any, **settings: Any) -> None:
    import sklearn
    from sklearn import metrics

    function = getattr(metrics, name)
    want = function(*arrays, **settings)
    with sklearn.config_context(array_api_dispatch=True):
        got = function(*(pt.tensor(array) for array in arrays), **settings)
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-5)


@case
def sklearn_accuracy_score() -> None:
    scored("accuracy_score", LABELS, GUESSES)


@case
def sklearn_zero_one_loss() -> None:
    scored("zero_one_loss", LABELS, GUESSES)


@case
def sklearn_f1_score() -> None:
    scored("f1_score", LABELS, GUESSES, average="macro")


@case
def sklearn_r2_score() -> None:
    scored("r2_score", X[:, 0], X[:, 1])


@case
def sklearn_mean_squared_error() -> None:
    scored("mean_squared_error", X[:, :2], X[:, 2:4])


@case
def sklearn_mean_absolute_error() -> None:
    scored("mean_absolute_error", X[:, 0], X[:, 1])


@case
def sklearn_mean_tweedie_deviance() -> None:
    scored("mean_tweedie_deviance", POSITIVE[:, 0], POSITIVE[:, 1])


@case
def sklearn_pairwise_euclidean_distances() -> None:
    from sklearn.metrics import pairwise

    import sklearn

    want = pairwise.euclidean_distances(X)
    with sklearn.config_context(array_api_dispatch=True):
        got = pairwise.euclidean_distances(pt.tensor(X))
    assert isinstance(got, pt.Tensor)
    np.testing.assert_allclose(np.asarray(got), want, atol=1e-6)


@case
def sklearn_ridge() -> None:
    from sklearn.linear_model import Ridge

    import sklearn

    y = X[:, 0] + 2 * X[:, 1]
    want = Ridge(solver="svd").fit(X, y).predict(X)
    with sklearn.config_context(array_api_dispatch=True):
        got = Ridge(solver="svd").fit(pt.tensor(X), pt.tensor(y)).predict(pt.tensor(X))
    np.testing.assert_allclose(np.asarray(got), want, rtol=1e-6)


@case
def sklearn_train_test_split() -> None:
    from sklearn.model_selection import train_test_split

    import sklearn

    want = train_test_split(X, LABELS, random_state=0)
    with sklearn.config_context(array_api_dispatch=True):
        got = train_test_split(pt.tensor(X), pt.tensor(LABELS), random_state=0)
    for one, other in zip(got, want, strict=True):
        assert isinstance(one, pt.Tensor)
        np.testing.assert_array_equal(np.asarray(one), other)


@case
def array_api_compat_finds_the_namespace() -> None:
    from array_api_compat import array_namespace, device, is_array_api_obj, size, to_device

    x = pt.tensor(X)
    assert is_array_api_obj(x) and array_namespace(x) is x.__array_namespace__()
    assert size(x) == 60 and device(x) == "cpu" and to_device(x, "cpu") is x


@case
def array_api_extra_works_on_tensors() -> None:
    from sklearn.externals import array_api_extra as xpx

    agrees(lambda x: xpx.cov(x), X.T)
    agrees(lambda x: xpx.atleast_nd(x[0, 0], ndim=2), X)
    x = xpx.at(pt.tensor(X), 0).set(pt.zeros((5,), "float64"))
    assert x[0].tolist() == [0.0] * 5 and x[1].tolist() == X[1].tolist()


def main(names: list[str]) -> None:
    warnings.simplefilter("error", DeprecationWarning)
    found = {}
    for name in names or CASES:
        try:
            CASES[name]()
            found[name] = "passed"
        except ImportError as error:
            found[name] = f"skipped: {error}"
        except Exception:
            found[name] = traceback.format_exc()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
