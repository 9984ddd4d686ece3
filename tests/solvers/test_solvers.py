"""`pt.solvers`: results beside closed forms, weights and shapes, what a wrong call says, and what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.solvers import SolverError

X = np.random.Generator(np.random.Philox(key=5)).normal(size=(37, 4))
COEF, SHIFT = np.array([1.0, -2.0, 0.5, 0.0]), 3.0


def normal_equations(x: Any, y: Any, weight: Any, l2: float) -> Any:
    """Ridge regression with an intercept that is not held down, by its equations."""
    wide = np.hstack([x, np.ones((len(x), 1))])
    held = np.diag([l2] * x.shape[1] + [0.0])
    return np.linalg.solve(wide.T @ (weight[:, None] * wide) + held, wide.T @ (weight * y))


@pytest.mark.parametrize("l2", [0.0, 2.5])
@pytest.mark.parametrize("rows", [37, 3])  # 3: fewer than features
def test_ridge_solves_its_equations(rows: int, l2: float) -> None:
    x = X[:rows]
    y = x @ COEF + SHIFT + np.sin(np.arange(rows))
    weight = np.linspace(0.5, 2.0, rows)
    coef, intercept = pt.solvers.fit_ridge(x, y, weight, l2=l2)
    assert coef.shape == (4,) and intercept.shape == () and coef.dtype == np.float64
    if rows > 4 or l2:
        np.testing.assert_allclose([*coef, intercept], normal_equations(x, y, weight, l2), rtol=1e-9, atol=1e-9)
    else:
        np.testing.assert_allclose(x @ coef + intercept, y, atol=1e-9)


def test_ridge_of_several_targets_is_one_for_each() -> None:
    y = np.stack([X @ COEF, X[:, 0] - 1], axis=1)
    coef, intercept = pt.solvers.fit_ridge(X, y, l2=0.3)
    assert coef.shape == (2, 4) and intercept.shape == (2,)
    for at in range(2):
        alone, shift = pt.solvers.fit_ridge(X, y[:, at], l2=0.3)
        np.testing.assert_allclose(coef[at], alone, rtol=1e-12)
        np.testing.assert_allclose(intercept[at], shift, rtol=1e-12, atol=1e-15)


def test_ridge_takes_tensors_and_whole_numbers() -> None:
    whole = np.arange(12).reshape(6, 2) % 5
    wanted = pt.solvers.fit_ridge(whole.astype(np.float64), whole[:, 0].astype(np.float64), l2=1.0)
    for made in (whole, pt.tensor(whole)):
        found = pt.solvers.fit_ridge(made, whole[:, 0], l2=1.0)
        assert np.array_equal(found[0], wanted[0]) and found[1] == wanted[1]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_gradient_is_nothing_where_logistic_regression_ends(classes: int) -> None:
    y = (np.arange(37) * 7 + (X[:, 0] > 0)) % classes
    weight = np.linspace(0.0, 3.0, 37)
    found = pt.solvers.fit_logistic(X, y, classes, weight, l2=0.05, tol=1e-9)
    assert found.minimum.converged and found.coef.shape == (1 if classes == 2 else 3, 4)
    apart = found.probabilities(X) - np.eye(classes)[y]
    np.testing.assert_allclose(found.probabilities(X).sum(axis=1), 1)
    by_class = (apart * weight[:, None]).T @ X / weight.sum()
    by_column = by_class[1:] if classes == 2 else by_class
    np.testing.assert_allclose(by_column + 0.05 * found.coef, 0, atol=1e-8)
    np.testing.assert_allclose((apart * weight[:, None]).sum(axis=0) / weight.sum(), 0, atol=1e-8)


def test_principal_components_are_those_of_the_covariance() -> None:
    values, vectors = np.linalg.eigh(np.cov(X.T))
    for count in (None, 2):
        found = pt.solvers.principal_components(X, count)
        assert found.components.shape == (count or 4, 4) and found.variances.shape == (count or 4,)
        np.testing.assert_allclose(found.variances, values[::-1][:count], rtol=1e-12)
        np.testing.assert_allclose(np.abs(found.components @ vectors[:, ::-1]), np.eye(4)[:count], atol=1e-7)
        assert found.total_variance == pytest.approx(values.sum(), rel=1e-12)
        assert (found.components[range(count or 4), np.abs(found.components).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(found.mean, X.mean(axis=0), atol=1e-12)


def test_components_of_wide_tall_data_are_those_of_numpy() -> None:
    x = np.random.Generator(np.random.Philox(key=9)).normal(size=(700, 30)) * np.linspace(1, 5, 30)
    found = pt.solvers.principal_components(x, 3)
    np.testing.assert_allclose(found.variances, np.linalg.eigvalsh(np.cov(x.T))[::-1][:3], rtol=1e-9)


def test_kmeans_ends_where_centers_are_means_of_their_rows() -> None:
    x = np.concatenate([X, X + 20, X - 20])
    first = pt.solvers.kmeans_plusplus(x, 3, seed=4)
    assert first.shape == (3, 4) and all((row == x).all(axis=1).any() for row in first)
    assert np.array_equal(first, pt.solvers.kmeans_plusplus(x, 3, seed=4))
    found = pt.solvers.kmeans(x, first)
    assert sorted(np.bincount(found.labels)) == [37, 37, 37]
    for at in range(3):
        np.testing.assert_allclose(found.centers[at], x[found.labels == at].mean(axis=0), rtol=1e-12)
    assert found.inertia == pytest.approx(3 * np.square(X - X.mean(axis=0)).sum(), rel=1e-12)
    assert pt.solvers.kmeans(x, x[:3], max_iter=1).iterations == 1


def rosenbrock(x: Any) -> tuple[float, Any]:
    a, b = 1 - x[0], x[1] - x[0] ** 2
    return a * a + 100 * b * b, np.array([-2 * a - 400 * b * x[0], 200 * b])


def test_minimize_finds_a_bent_valley_and_says_when_it_stopped_early() -> None:
    end = pt.solvers.minimize(rosenbrock, [-1.2, 1.0], tol=1e-9)
    assert end.converged and end.gradient <= 1e-9 and end.value < 1e-18
    np.testing.assert_allclose(end.x, 1, atol=1e-8)
    early = pt.solvers.minimize(rosenbrock, [-1.2, 1.0], max_iter=3)
    assert not early.converged and early.iterations == 3 and early.value < rosenbrock(np.array([-1.2, 1.0]))[0]


def test_minimize_leaves_where_a_function_is_not_finite() -> None:
    def barrier(x: Any) -> tuple[float, Any]:  # -log x + x: not defined from 0 down, which the first step reaches
        with np.errstate(all="ignore"):
            return float(10 * x[0] - np.log(x[0])), 10 - 1 / x

    end = pt.solvers.minimize(barrier, [0.9], precondition=lambda g: g, tol=1e-8)
    assert end.converged and end.x[0] == pytest.approx(0.1)


NAN = np.where(np.arange(37)[:, None] == 5, np.nan, X)
Y, CLASSES = X[:, 0], np.arange(37) % 2
S = pt.solvers
NOT_FINITE = (
    "has numbers that are not finite, or too large to be added up; expected finite numbers; fill the gaps, or scale it"
)
WRONG: list[tuple[Any, str]] = [
    (lambda: S.fit_ridge(X[0], Y, l2=1),
     "[fit_ridge] x is float64[4]; expected numbers [rows, features], one or more of each; reshape x, or "
     "convert it with astype"),
    (lambda: S.fit_ridge(X[:0], Y, l2=1),
     "[fit_ridge] x is float64[0, 4]; expected numbers [rows, features], one or more of each; reshape x, "
     "or convert it with astype"),
    (lambda: S.fit_ridge(X, Y[:3], l2=1),
     "[fit_ridge] y is float64[3]; expected numbers [37] or [37, targets], one for each row of x; check y"),
    (lambda: S.fit_ridge(X, Y, Y[:2], l2=1),
     "[fit_ridge] sample_weight is float64[2]; expected numbers [37], one for each row of x; leave it out "
     "where all count alike"),
    (lambda: S.fit_ridge(X, Y, np.linspace(-1, 2, 37), l2=1),
     "[fit_ridge] sample_weight has numbers from -1 to 2; expected numbers >= 0, at least one above 0; drop rows that "
     "do not count"),
    (lambda: S.fit_ridge(X, Y, np.zeros(37), l2=1),
     "[fit_ridge] sample_weight has numbers from 0 to 0; expected numbers >= 0, at least one above 0; drop "
     "rows that do not count"),
    (lambda: S.fit_ridge(X, Y, l2=-1), "[fit_ridge] l2 = -1; expected a finite number >= 0; change l2"),
    (lambda: S.fit_ridge(X, Y, l2=True), "[fit_ridge] l2 = True; expected a finite number >= 0; change l2"),
    (lambda: S.fit_ridge(X, Y, l2=float("inf")), "[fit_ridge] l2 = inf; expected a finite number >= 0; change l2"),
    (lambda: S.fit_ridge(NAN, Y, l2=1), f"[fit_ridge] x {NOT_FINITE}"),
    (lambda: S.fit_ridge(NAN[4:7], Y[4:7], l2=1), f"[fit_ridge] x {NOT_FINITE}"),
    (lambda: S.fit_ridge(X, NAN[:, 0], l2=1), f"[fit_ridge] y {NOT_FINITE}"),
    (lambda: S.fit_logistic(X, CLASSES, 1, l2=1),
     "[fit_logistic] n_classes = 1; expected a whole number >= 2; change n_classes"),
    (lambda: S.fit_logistic(X, Y, 2, l2=1),
     "[fit_logistic] y is float64[37]; expected whole numbers [37], the class of each row of x; names, y ="
     " numpy.unique(y, return_inverse=True) numbers them"),
    (lambda: S.fit_logistic(X, CLASSES + 1, 2, l2=1),
     "[fit_logistic] y has numbers from 1 to 2; expected 0 to 1; raise n_classes, or number the classes "
     "from 0 on"),
    (lambda: S.fit_logistic(X, CLASSES, 2, l2=1, max_iter=0),
     "[fit_logistic] max_iter = 0; expected a whole number >= 1; change max_iter"),
    (lambda: S.fit_logistic(NAN, CLASSES, 2, l2=1), f"[fit_logistic] x {NOT_FINITE}"),
    (lambda: S.principal_components(X, 5),
     "[principal_components] n_components = 5; expected a whole number from 1 to 4; change n_components"),
    (lambda: S.principal_components(NAN), f"[principal_components] x {NOT_FINITE}"),
    (lambda: S.kmeans_plusplus(X, 38),
     "[kmeans_plusplus] n_clusters = 38; expected a whole number from 1 to 37; change n_clusters"),
    (lambda: S.kmeans_plusplus(X, 2, seed=-1),
     "[kmeans_plusplus] seed = -1; expected a whole number from 0 to 4294967295; change seed"),
    (lambda: S.kmeans_plusplus(NAN, 2), f"[kmeans_plusplus] x {NOT_FINITE}"),
    (lambda: S.kmeans(X, X[:2, :3]),
     "[kmeans] centers are [2, 3], x is [37, 4]; expected at most 37 centers of 4 features; take them from"
     " kmeans_plusplus(x, n_clusters)"),
    (lambda: S.kmeans(NAN, X[:2]), f"[kmeans] x {NOT_FINITE}"),
    (lambda: S.kmeans(X, NAN[4:6]), f"[kmeans] centers {NOT_FINITE}"),
    (lambda: S.minimize(rosenbrock, X),
     "[minimize] x0 is float64[37, 4]; expected numbers [n]; flatten it with ravel()"),
    (lambda: S.minimize(lambda x: 1.0, [0.0]),
     "[minimize] fun(x0) gave a gradient object[]; expected (value, gradient): a number, and numbers [1]; "
     "return both, for example by pt.value_and_grad"),
    (lambda: S.minimize(lambda x: (1.0, x[:1]), [0.0, 1.0]),
     "[minimize] fun(x0) gave a gradient float64[1]; expected (value, gradient): a number, and numbers "
     "[2]; return both, for example by pt.value_and_grad"),
    (lambda: S.minimize(lambda x: (np.inf, x), [2.0]),
     "[minimize] fun(x0) = inf, its gradient from 2 to 2; expected finite numbers; begin where fun is "
     "finite"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WRONG, ids=range(len(WRONG)))
def test_what_a_wrong_call_says(call: Any, text: str) -> None:
    with pytest.raises(SolverError) as caught:
        call()
    assert str(caught.value) == text
    assert isinstance(caught.value, pt.Error) and isinstance(caught.value, ValueError)


def test_they_need_numpy_alone() -> None:
    """scikit-learn, SciPy and threadpoolctl are extras."""
    program = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sklearn", "scipy", "threadpoolctl"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
import powertrain as pt
assert "powertrain.solvers" not in sys.modules
x = np.random.default_rng(0).normal(size=(600, 20))
pt.solvers.principal_components(x, 1)
pt.solvers.fit_ridge(x, x[:, 0], l2=1.0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_s_code_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "solvers.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)
    np.testing.assert_allclose(made["coef"], [1, -2, 0.5, 0, 0], atol=1e-3)
    np.testing.assert_allclose(made["minimum"].x, 3)
    assert made["components"].shape == (2, 5) and len(made["clusters"].centers) == 3
    for name in re.findall(r"^\| `(\w+)\(", page, re.MULTILINE):
        assert name in pt.solvers.__all__


@pytest.mark.parametrize("l2", [0.0, 0.2])
@pytest.mark.parametrize("intercept", [True, False])
def test_an_elastic_net_meets_the_conditions_of_its_minimum(l2: float, intercept: bool) -> None:
    y = np.stack([X @ COEF + SHIFT + np.sin(np.arange(37)), X[:, 1] ** 3], axis=1)
    weight = np.linspace(0.0, 2.0, 37)
    found = pt.solvers.fit_elastic_net(X, y, weight, l1=0.3, l2=l2, intercept=intercept, tol=1e-14)
    for at, end in enumerate(found.ends):
        coef = found.coef[at]
        apart = (X @ coef + found.intercept[at] - y[:, at]) * weight / weight.sum()
        slope = apart @ X + l2 * coef
        assert end.converged and ((coef == 0).any() or not intercept) and (coef != 0).any()
        assert np.abs(slope).max() <= 0.3 + 1e-7
        np.testing.assert_allclose(slope[coef != 0], -0.3 * np.sign(coef[coef != 0]), atol=1e-6)
        assert abs(apart.sum()) < 1e-12 if intercept else found.intercept[at] == 0


def test_an_elastic_net_without_an_l1_penalty_is_ridge_regression() -> None:
    y = X @ COEF + SHIFT
    found = pt.solvers.fit_elastic_net(X, y, l1=0.0, l2=0.5)
    coef, intercept = pt.solvers.fit_ridge(X, y, l2=0.5 * 37)
    assert np.array_equal(found.coef, coef) and found.intercept == intercept


def test_the_duality_gap_is_above_what_is_missing() -> None:
    right, square = X.T @ (X @ COEF + np.cos(np.arange(37))), float(np.square(X @ COEF + np.cos(np.arange(37))).sum())
    matrix = X.T @ X

    def value(c: Any) -> float:
        return float(square / 2 - right @ c + c @ matrix @ c / 2 + 4 * np.abs(c).sum() + c @ c)

    best = value(pt.solvers.coordinate_descent(matrix, right, square, l1=4.0, l2=2.0, tol=1e-15, max_iter=10_000).x)
    for sweeps in (1, 2, 3, 5):
        end = pt.solvers.coordinate_descent(matrix, right, square, l1=4.0, l2=2.0, tol=0.0, max_iter=sweeps)
        assert value(end.x) - best <= end.gap + 1e-9
        assert end.iterations == sweeps


@pytest.mark.parametrize("classes", [2, 3])
def test_the_gradient_is_nothing_where_a_squared_hinge_ends(classes: int) -> None:
    y = (np.arange(37) * 7 + (X[:, 0] > 0)) % classes
    weight = np.linspace(0.0, 3.0, 37)
    found = pt.solvers.fit_squared_hinge(X, y, classes, weight, l2=0.05, intercept_l2=0.02, tol=1e-9)
    assert found.minimum.converged and found.coef.shape == (1 if classes == 2 else 3, 4)
    signs = np.where(y[:, None] == (np.array([1]) if classes == 2 else np.arange(3)), 1, -1)
    apart = -2 * signs * np.maximum(1 - signs * found.scores(X), 0) * weight[:, None] / weight.sum()
    np.testing.assert_allclose(apart.T @ X + 0.05 * found.coef, 0, atol=1e-8)
    np.testing.assert_allclose(apart.sum(axis=0) + 0.02 * found.intercept, 0, atol=1e-8)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: pt.solvers.coordinate_descent(np.eye(2), np.ones(3), 1.0, l1=1.0),
            "[coordinate_descent] matrix is [2, 2], right is [3]; expected [n, n] and [n]; pass the products a.T @ a "
            "and a.T @ b",
        ),
        (
            lambda: pt.solvers.coordinate_descent(np.eye(2), np.ones(2), 1.0, l1=0.0),
            "[coordinate_descent] l1 = 0; expected a number > 0; solve the linear equations, or use fit_ridge",
        ),
        (
            lambda: pt.solvers.fit_elastic_net(X, X[:, 0], l1=-1.0),
            "[fit_elastic_net] l1 = -1.0; expected a finite number >= 0; change l1",
        ),
        (
            lambda: pt.solvers.fit_squared_hinge(X, np.arange(37) % 3, 2, l2=0.1),
            "[fit_squared_hinge] y has numbers from 0 to 2; expected 0 to 1; raise n_classes, or number the classes "
            "from 0 on",
        ),
    ],
)
def test_what_wrong_calls_of_linear_solvers_say(call: Any, text: str) -> None:
    with pytest.raises(SolverError, match=f"^{re.escape(text)}$"):
        call()
