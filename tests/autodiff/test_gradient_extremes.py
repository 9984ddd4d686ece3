"""Gradients where a derivative jumps, is infinite or does not exist: at 0, at ties, of constant rows, of what is not
finite. They are PyTorch's, but for what docs/conformance.md says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from calls import SPECS, Variables, cotangents, to_array
from kit import FLOATS, Array, Case, Draw, case_files
from powertrain.ops.functional import OPERATORS

try:
    import torch
except ImportError:  # the peers are not installed
    torch = None

SHAPE = (6, 5)
NUMBERS = np.random.default_rng(11).standard_normal((2, 3, *SHAPE))


def planted(number: float) -> Callable[[Array], Array]:
    def change(x: Array) -> Array:
        y = x.copy()
        y.flat[::4] = number
        return y

    return change


KINDS: dict[str, Callable[[Array], Array]] = {
    "zero": np.zeros_like,
    "one": np.ones_like,
    "few": lambda x: np.sign(np.round(x)),
    "truths": lambda x: (x > 0) * 1.0,
    "large": lambda x: 1e4 * x,
    "zeros": planted(0.0),
    "inf": planted(np.inf),
    "-inf": planted(-np.inf),
    "nan": planted(np.nan),
}
UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "exp2", "expm1",
    "floor", "log", "log10", "log1p", "log2", "logit", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh",
    "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
ACTIVATIONS = (
    "relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "tanhshrink", "leaky_relu",
    "elu", "celu", "selu", "silu", "mish", "gelu", "logsigmoid", "softplus", "softsign",
)  # fmt: skip
BINARY = ("add", "subtract", "multiply", "divide", "atan2", "hypot", "maximum", "minimum", "fmax", "fmin", "copysign",
          "logaddexp", "xlogy", "fmod", "remainder", "nextafter")  # fmt: skip
LOSSES = ("l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss")  # fmt: skip


def calls() -> dict[str, tuple[Callable[..., Any], Callable[..., Any], int]]:
    """The engine's function, PyTorch's, and of how many tensors."""
    if torch is None:
        return {}
    f = torch.nn.functional
    found: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {}
    for name in UNARY:
        found[name] = OPERATORS[name], getattr(torch, name), 1
    for name in ACTIVATIONS:
        found[name] = OPERATORS[name], getattr(f, name), 1
    for name in BINARY:
        found[name] = OPERATORS[name], getattr(torch, name), 2
    for name in LOSSES:
        found[name] = OPERATORS[name], lambda *xs, name=name: getattr(f, name)(*xs, reduction="none"), 2
    truth = (NUMBERS[0, 2] > 0) * 1.0
    signs = 2 * truth - 1
    of_truth = {"binary_cross_entropy": truth, "soft_margin_loss": signs, "hinge_embedding_loss": signs}
    for name, target in of_truth.items():
        found[name] = (
            lambda x, name=name, y=target: OPERATORS[name](pt.sigmoid(x) if name[0] == "b" else x, y),
            lambda x, name=name, y=target: getattr(f, name)(
                torch.sigmoid(x) if name[0] == "b" else x, torch.tensor(y), reduction="none"
            ),
            1,
        )
    found |= {
        "square root of squares": (lambda x: pt.sqrt(pt.sum(x * x, axis=1)), lambda x: torch.sqrt((x * x).sum(1)), 1),
        "pow": (pt.pow, torch.pow, 2),
        **{f"power {p}": (lambda x, p=p: x**p, lambda x, p=p: x**p, 1) for p in (0.0, 0.5, 1.0, 2.0, 3.0, -1.0)},
        "binary_cross_entropy of probabilities": (
            lambda x: F.binary_cross_entropy(pt.clip(x, 0.0, 1.0), truth, reduction="none"),
            lambda x: f.binary_cross_entropy(torch.clamp(x, 0.0, 1.0), torch.tensor(truth), reduction="none"), 1,
        ),
        "binary_cross_entropy_with_logits": (
            lambda x: F.binary_cross_entropy_with_logits(x, truth, reduction="none"),
            lambda x: f.binary_cross_entropy_with_logits(x, torch.tensor(truth), reduction="none"), 1,
        ),
        "prelu": (lambda x, w: F.prelu(x, w[0]), lambda x, w: f.prelu(x, w[0]), 2),
        "where": (lambda x, y: pt.where(x > 0, pt.log(pt.where(x > 0, x, 1.0)), y),
                  lambda x, y: torch.where(x > 0, torch.log(torch.where(x > 0, x, 1.0)), y), 2),
        "clip": (lambda x: pt.clip(x, -1.0, 1.0), lambda x: torch.clamp(x, -1.0, 1.0), 1),
        "max": (lambda x: pt.max(x, axis=1), lambda x: torch.amax(x, 1), 1),
        "min": (lambda x: pt.min(x, axis=1), lambda x: torch.amin(x, 1), 1),
        "max of all": (pt.max, torch.max, 1),
        "min of all": (pt.min, torch.min, 1),
        "mean": (lambda x: pt.mean(x, axis=1), lambda x: x.mean(1), 1),
        "std": (lambda x: pt.std(x, axis=1, correction=1), lambda x: x.std(1), 1),
        "var": (lambda x: pt.var(x, axis=1, correction=1), lambda x: x.var(1), 1),
        "prod": (lambda x: pt.prod(x, axis=1), lambda x: x.prod(1), 1),
        "cumulative_prod": (lambda x: pt.cumulative_prod(x, axis=1), lambda x: x.cumprod(1), 1),
        "logsumexp": (lambda x: pt.logsumexp(x, axis=1), lambda x: torch.logsumexp(x, 1), 1),
        "logcumsumexp": (lambda x: pt.logcumsumexp(x, axis=1), lambda x: torch.logcumsumexp(x, 1), 1),
        "softmax": (pt.softmax, lambda x: f.softmax(x, -1), 1),
        "log_softmax": (pt.log_softmax, lambda x: f.log_softmax(x, -1), 1),
        "entropy": (lambda x: -pt.sum(pt.xlogy(pt.softmax(x), pt.softmax(x)), axis=1),
                    lambda x: torch.special.entr(f.softmax(x, -1)).sum(1), 1),
        **{f"vector_norm {p}": (lambda x, p=p: pt.linalg.vector_norm(x, axis=1, ord=p),
                                lambda x, p=p: torch.linalg.vector_norm(x, p, dim=1), 1)
           for p in (0.0, 0.5, 1.0, 2.0, 3.0, np.inf, -np.inf)},
        "normalize": (F.normalize, lambda x: f.normalize(x, dim=-1), 1),
        "cosine_similarity": (F.cosine_similarity, lambda x, y: f.cosine_similarity(x, y, dim=-1), 2),
        "pairwise_distance": (F.pairwise_distance, f.pairwise_distance, 2),
        "layer_norm": (OPERATORS["layer_norm"], lambda x: f.layer_norm(x, SHAPE[1:]), 1),
        "rms_norm": (lambda x: OPERATORS["rms_norm"](x, pt.ones(SHAPE[1:], "float64")),
                     lambda x: f.rms_norm(x, SHAPE[1:], eps=1e-6), 1),
        "sort": (pt.sort, lambda x: torch.sort(x, stable=True)[0], 1),
        "margin_ranking_loss": (lambda x, y: F.margin_ranking_loss(x, y, pt.ones_like(x), reduction="none"),
                                lambda x, y: f.margin_ranking_loss(x, y, torch.ones_like(x), reduction="none"), 2),
        "multi_margin_loss": (lambda x: F.multi_margin_loss(x, pt.zeros((6,), "int64"), margin=0.0, reduction="none"),
                              lambda x: f.multi_margin_loss(x, torch.zeros(6, dtype=torch.int64), margin=0.0,
                                                            reduction="none"), 1),
        "triplet_margin_loss": (
            lambda x, y: F.triplet_margin_loss(x, y, pt.zeros_like(x), reduction="none"),
            lambda x, y: f.triplet_margin_loss(x, y, torch.zeros_like(x), reduction="none"), 2),
    }  # fmt: skip
    return found


CALLS = calls()


def gradients_of(name: str, kind: str, seed: int) -> tuple[list[Array], list[Array], bool]:
    """Ours and PyTorch's, and whether both had the same result."""
    ours, theirs, count = CALLS[name]
    points = [KINDS[kind](NUMBERS[seed, at]) for at in range(count)]
    leaves = [torch.tensor(point, requires_grad=True) for point in points]
    want_y = theirs(*leaves)
    v = np.random.default_rng(seed).standard_normal(tuple(want_y.shape))
    found = torch.autograd.grad(want_y, leaves, torch.tensor(v), allow_unused=True)
    want = [np.zeros(SHAPE) if one is None else one.numpy() for one in found]
    y, back = pt.vjp(ours, *(pt.asarray(point) for point in points))
    with np.errstate(invalid="ignore"):
        same = np.allclose(y.numpy(), want_y.detach().numpy(), rtol=1e-12, atol=1e-12, equal_nan=True)
    return [g.numpy() for g in back(pt.asarray(v))], want, bool(same)


def differ(got: Array, want: Array) -> bool:
    largest = np.abs(want[np.isfinite(want)]).max(initial=1e-4)
    with np.errstate(invalid="ignore"):
        close = (np.abs(got - want) <= 1e-11 * largest) | (got == want) | (np.isnan(got) & np.isnan(want))
    return not bool(close.all())


# What docs/conformance.md says is otherwise: kinds, and the line that says so.
OF_NAN = "gradients of an element that is NaN"
AT_INFINITY = "gradients at infinity"
OUTSIDE = "gradients where there is no value"
TOWARDS_ZERO = "gradients of `xlogy` towards b where a is 0"
SIXTH = "`hardsigmoid`"
CERTAIN = "slope of `binary_cross_entropy` at 0 and 1"
DEVIATES: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(("abs", "sign", "relu6", "hardtanh", "hardswish", "hardshrink", "softshrink", "elu", "celu", "selu",
                     "clip", "max", "min", "vector_norm 1.0", "vector_norm inf", "vector_norm -inf",
                     "hinge_embedding_loss"), (("nan",), OF_NAN)),
    **dict.fromkeys(("l1_loss", "margin_ranking_loss", "multi_margin_loss"), (("inf", "-inf", "nan"), OF_NAN)),
    **dict.fromkeys(("softsign", "logaddexp", "logcumsumexp"), (("inf", "-inf"), AT_INFINITY)),
    **dict.fromkeys(("copysign", "prod", "cumulative_prod"), (("inf", "-inf", "nan"), AT_INFINITY)),
    "logsumexp": (("inf",), AT_INFINITY),
    "soft_margin_loss": (("large", "inf", "-inf"), AT_INFINITY),
    "entropy": (("large", "-inf"), TOWARDS_ZERO),
    **dict.fromkeys(("xlogy", "kl_div"), (("zero", "few", "truths", "zeros"), TOWARDS_ZERO)),
    "logit": (("few", "large", "zeros", "inf", "-inf", "nan"), OUTSIDE),
    "acosh": (("few",), OUTSIDE),
    "var": (("inf", "-inf"), OUTSIDE),
    "power 0.5": (("-inf",), "`x ** 0.5` of minus infinity"),
    "binary_cross_entropy_with_logits": (("-inf",), "`binary_cross_entropy_with_logits`"),
    "binary_cross_entropy of probabilities": (("zero", "one", "few", "truths", "zeros"), CERTAIN),
    "hypot": (("zero", "few", "truths", "zeros"), "gradient of `hypot` at the origin"),
    "hardsigmoid": (("zero", "one", "few", "truths", "zeros", "inf", "-inf", "nan"), SIXTH),
}  # fmt: skip
REFUSED = {("binary_cross_entropy", "nan"), ("binary_cross_entropy of probabilities", "nan")}  # by PyTorch


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize(("name", "kind"), [(n, k) for n in CALLS for k in KINDS if (n, k) not in REFUSED])
def test_gradient_is_pytorchs(name: str, kind: str) -> None:
    kinds, _ = DEVIATES.get(name, ((), ""))
    wrong = []
    for seed in range(len(NUMBERS)):
        got, want, same = gradients_of(name, kind, seed)
        wrong += [] if same else ["the result itself"]
        wrong += [f"{g}\nexpected {w}" for g, w in zip(got, want, strict=True) if differ(g, w)]
    if kind not in kinds:
        assert not wrong, f"{name} of {kind}: {wrong[0]}"
    else:
        assert wrong, f"{name} of {kind} is PyTorch's: take it from the list"


def test_each_deviation_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
    for _, line in DEVIATES.values():
        assert f"| {line}" in text, line


def gradient(function: Callable[..., Any], *given: Any) -> list[Any]:
    y, back = pt.vjp(function, *(pt.asarray(np.asarray(x, "float64")) for x in given))
    return [g.numpy().tolist() for g in back(pt.ones(y.shape, "float64"))]


def test_what_else_the_documentation_says() -> None:
    assert gradient(pt.clip, [0.0, 2.0], [1.0, 1.0], [1.0, 1.0]) == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert gradient(pt.median, [3.0, 3.0, 3.0]) == [[0.0, 1.0, 0.0]]
    images = np.full((1, 2, 2, 1), np.nan)
    assert np.ravel(gradient(lambda x: F.max_pool2d(x, 2), images)).tolist() == [1.0, 0.0, 0.0, 0.0]
    by_a, _ = gradient(F.cosine_similarity, [0.0, 0.0], [3.0, 4.0])
    np.testing.assert_allclose(by_a, [0.6e8, 0.8e8], rtol=1e-12)
    assert gradient(pt.hypot, [0.0], [0.0]) == [[0.0], [0.0]]
    assert gradient(lambda a, b: pt.abs(pt.complex(a, b)), [0.0], [0.0]) == [[0.0], [0.0]]
    at_zero = pt.asarray(np.zeros(1, "complex128"))
    for function, slope in ((pt.sign, 0), (pt.sqrt, 0), (pt.log, 0), (lambda z: z**1.0, 1), (lambda z: z**0.5, 0)):
        assert pt.vjp(function, at_zero)[1](at_zero + 1.0)[0].numpy().tolist() == [slope]
    assert gradient(lambda a, b: pt.angle(pt.complex(a, b)), [0.0], [0.0]) == [[0.0], [0.0]]


def singular(n: int) -> Array:
    """Of rank n - 1, with a determinant of exactly 0: two rows are one."""
    x = np.random.default_rng(n).standard_normal((n, n)).astype("float32").astype("float64")
    x[-1] = x[0]
    return x


def cofactors(x: Array) -> Array:
    """By differences in float64: the determinant is linear in each element, so that those of steps of 1 are exact."""
    n = len(x)
    steps = np.eye(n * n).reshape(n, n, n, n)
    return np.asarray((np.linalg.det(x + steps) - np.linalg.det(x - steps)) / 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "x",
    [
        np.array([[1.0, 2.0], [2.0, 4.0]]),
        np.array([[0.0, 1.0], [0.0, 0.0]]),
        np.zeros((1, 1)),
        np.zeros((3, 3)),
        np.diag(np.ones(8), 1),
        np.diag([1.0, 2.0, 0.0, 3e4]),
        singular(3),
        singular(7),
        singular(16),
    ],
    ids=lambda x: f"{len(x)} of rank {np.linalg.matrix_rank(x)}",
)
def test_det_of_a_singular_matrix_has_the_gradient_of_its_cofactors(x: Array, dtype: str) -> None:
    given, rng = pt.asarray(x.astype(dtype)), np.random.default_rng(3)
    y, back = pt.vjp(pt.linalg.det, given)
    assert y.item() == 0.0
    weight = float(rng.standard_normal())
    want = weight * cofactors(x)
    got = back(pt.asarray(np.asarray(weight, dtype)))[0].numpy()
    size = max(np.abs(want).max(), (np.abs(x).max() or 1.0) ** (len(x) - 1))
    assert np.abs(got - want).max() <= {"float32": 3e-5, "float64": 3e-7}[dtype] * size


def test_a_singular_matrix_changes_nothing_in_the_others_of_its_batch() -> None:
    rng = np.random.default_rng(5)
    x = np.stack([rng.standard_normal((5, 5)), singular(5), rng.standard_normal((5, 5))]).astype("float32")
    weights = pt.asarray(rng.standard_normal(3).astype("float32"))
    loss = lambda x, w: (pt.linalg.det(x) * w).sum()  # noqa: E731
    together = pt.grad(loss)(pt.asarray(x), weights).numpy()
    compiled = pt.compile(pt.grad(loss))(pt.asarray(x), weights).numpy()
    assert np.isfinite(together).all() and together.tobytes() == compiled.tobytes()
    for i in (0, 2):
        alone = pt.grad(loss)(pt.asarray(x[i : i + 1]), weights[i : i + 1]).numpy()
        assert alone.tobytes() == together[i : i + 1].tobytes()


# ---------------------------------------------------------------- without PyTorch: every op

FILES = case_files()
DIFFERENTIABLE = sorted(name for name in set(FILES) & set(SPECS) if SPECS[name]["differentiable"])
FINITE_KINDS = ("zero", "one", "few", "large", "zeros")
CASES_OF_EACH, LARGEST = 2, 300
# Where the derivative itself is infinite, or the definition leaves it open: kinds, and why.
SINGULAR: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(("acos", "asin", "acosh"), (("one", "few"), "a vertical tangent at 1")),
    "sqrt": (("zero", "few", "zeros"), "a vertical tangent at 0"),
    **dict.fromkeys(("lu",), (("zero", "one", "zeros"), "a singular matrix")),
    "qr": (("zero", "one", "zeros"), "a matrix without full rank"),
    "eigh": (("zero", "few"), "equal eigenvalues"),
    "svd": (("zero", "one", "zeros"), "equal singular values"),
    "svd_tall": (("zero", "one", "zeros"), "equal singular values"),
}


def changed(case: Case, kind: str) -> Case:
    def turned(value: Any) -> Any:
        if isinstance(value, list | tuple) and value and isinstance(value[0], Draw):
            return [turned(one) for one in value]
        if not isinstance(value, Draw) or value.dtype is not None:
            return value
        return Draw(f"{kind} {value}", lambda rng: KINDS[kind](np.asarray(value.make(rng), "float64")), value.shape)

    return Case(*map(turned, case.inputs), **{key: turned(value) for key, value in case.rest.items()})


def infinite_gradient(name: str, kind: str) -> str:
    """The first call whose results are finite and whose gradients are not."""
    module = FILES[name]
    dtype = next(d for d in ("float64", *FLOATS) if d in getattr(module, "DTYPES", FLOATS))
    tried = 0
    for case in module.CASES:
        other = Variables(name, changed(case, kind), dtype)
        if not 0 < sum(point.size for point in other.points) <= LARGEST or not case.differentiable:
            continue
        tried += 1
        if tried > CASES_OF_EACH:
            break
        try:
            y, back = _vjp_of_all(other)
        except pt.Error:  # values that the op refuses
            continue
        if not all(np.isfinite(to_array(one)).all() for one in y):
            continue
        for at, gradient in enumerate(back):
            if not np.isfinite(to_array(gradient)).all():
                return f"{name} {case}, {kind}: input {at}"
    return ""


def _vjp_of_all(variables: Variables) -> tuple[list[Any], list[Any]]:
    tensors = [pt._core.op_function("copy")(x) for x in variables.tensors()]
    y = pt._core.with_tape(tensors, lambda: variables(*tensors))
    v = [pt.asarray(one).astype(variables.dtype) for one in cotangents(variables)]
    return y, pt._core.gradients(y, v, tensors)


@pytest.mark.parametrize("kind", FINITE_KINDS)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_finite_result_has_finite_gradients(name: str, kind: str) -> None:
    kinds, _ = SINGULAR.get(name, ((), ""))
    found = infinite_gradient(name, kind)
    assert (found != "") == (kind in kinds), found or f"{name} of {kind} is finite: take it from the list"
