"""PyTorch's OpInfo: its own samples for each op, forward and random-cotangent gradients, in each dtype."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db

import powertrain as pt
from conformance.adapter import CALLS, COMPLEX, NotOfferedError, bind, replaced, tensors_of, to_engine, watched_places
from conformance.outcome import Outcome, arrays_agree, cancelled

DTYPES = (torch.float32, torch.float64)
COMPLEX_DTYPES = (torch.complex64, torch.complex128)
# The other width of a dtype.
WIDER = {torch.float32: torch.float64, torch.complex64: torch.complex128}
NARROWER = {wide: narrow for narrow, wide in WIDER.items()}
# Of ops that take no floats.
INTEGERS = (torch.int32, torch.int64)
BY_NAME: dict[str, list[Any]] = {}
for _info in op_db:
    BY_NAME.setdefault(_info.name, []).append(_info)


def names() -> list[str]:
    return sorted(set(BY_NAME) & set(CALLS))


def not_offered() -> list[str]:
    """Ops of the database without a counterpart."""
    return sorted(set(BY_NAME) - set(CALLS))


def outcomes(name: str) -> Iterator[Outcome]:
    for info in BY_NAME[name]:
        kinds = info.supported_dtypes("cpu")
        wanted = (*DTYPES, *(COMPLEX_DTYPES if name in COMPLEX else ()))
        for dtype in [d for d in wanted if d in kinds] or [d for d in INTEGERS if d in kinds]:
            with_gradient = (dtype.is_floating_point or dtype.is_complex) and info.supports_autograd
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # The samples draw from PyTorch's generator.
                torch.manual_seed(zlib.crc32(name.encode()))
                samples = list(info.sample_inputs("cpu", dtype, requires_grad=with_gradient))
                for number, sample in enumerate(samples):
                    yield one(name, info, dtype, number, sample)


def one(name: str, info: Any, dtype: Any, number: int, sample: Any) -> Outcome:
    where = f"{info.formatted_name} {str(dtype).removeprefix('torch.')} sample {number}"
    given = (sample.input, *sample.args), sample.kwargs
    try:
        peer = Side(info, given)
        # Both see the same values, so that float64 shows what PyTorch's own float32 loses.
        narrow = peer if dtype not in NARROWER else Side(info, cast(given, NARROWER))
        wide = Side(info, cast(given if narrow is peer else narrow.given, WIDER))
    except Exception as error:  # PyTorch's own sample does not run here: no oracle
        return Outcome("not offered", where, f"PyTorch itself: {type(error).__name__}")
    try:
        bind(name, *given)
        return compared(name, where, to_engine(given), Sides(peer, narrow, wide), number)
    except NotOfferedError as missing:
        return Outcome("not offered", where, str(missing))
    except (pt.Error, TypeError, ValueError, IndexError) as error:
        return Outcome("error", where, f"{type(error).__name__}: {error}")


def cast(given: Any, other: dict[Any, Any]) -> Any:
    """The same values in the other width of their dtypes."""
    changed = [t for t in tensors_of(given, torch.Tensor) if t.dtype in other]
    return replaced(given, {id(t): t.detach().to(other[t.dtype]).requires_grad_(t.requires_grad) for t in changed})


def real_parts(result: Any) -> Any:
    """Complex results by their parts, so that all are compared, and differentiated, as real numbers."""
    return torch.stack([result.real, result.imag], -1) if result.is_complex() else result


class Side:
    """A sample as PyTorch computes it: its inputs and results as flat lists."""

    def __init__(self, info: Any, given: Any) -> None:
        self.given = given
        self.inputs = tensors_of(given, torch.Tensor)
        args, kwargs = given
        self.results = [real_parts(y) for y in tensors_of(info.op(*args, **kwargs), torch.Tensor)]

    def gradients(self, watched: list[int], chosen: list[int], cotangents: list[Any]) -> list[Any]:
        leaves = [self.inputs[at] for at in watched]
        ys = [self.results[at] for at in chosen]
        vs = [torch.from_numpy(v).to(y.dtype) for v, y in zip(cotangents, ys, strict=True)]
        found = torch.autograd.grad(ys, leaves, vs, allow_unused=True, retain_graph=True)
        known = [torch.zeros_like(x) if g is None else g.to_dense() for g, x in zip(found, leaves, strict=True)]
        return [real_parts(g) for g in known]


class Sides(NamedTuple):
    """A sample in its own dtype, in float32, and those float32 values in float64."""

    peer: Side
    narrow: Side
    wide: Side


def compared(name: str, where: str, ours: Any, sides: Sides, number: int) -> Outcome:
    tensors = tensors_of(ours, pt.Tensor)
    peer = sides.peer
    exact = sides.wide if peer is sides.narrow else peer
    watched = watched_places(peer.inputs)
    inputs = [tensors[at] for at in watched]

    def function(*xs: Any) -> list[Any]:
        args, kwargs = replaced(ours, {id(old): new for old, new in zip(inputs, xs, strict=True)})
        ys = tensors_of(CALLS[name](*args, **kwargs), pt.Tensor)
        return [pt.view_as_real(y) if y.dtype.is_complex else y for y in ys]

    got = function(*inputs)
    if len(got) != len(peer.results):
        return Outcome("values", where, f"{len(got)} results, expected {len(peer.results)}")
    for ours_one, want, wide in zip(got, peer.results, exact.results, strict=True):
        if ours_one.dtype.name != str(want.dtype).removeprefix("torch."):
            return Outcome("dtype", where, f"{ours_one.dtype.name}, expected {want.dtype}")
        wrong = arrays_agree(array_of(ours_one), array_of(want), array_of(wide))
        if wrong:
            return Outcome("values", where, wrong)
    chosen = [at for at, y in enumerate(peer.results) if y.requires_grad and y.dtype.is_floating_point]
    wrong = gradients_agree(function, inputs, watched, chosen, sides, number) if watched and chosen else ""
    return Outcome("gradient" if wrong else "passed", where, wrong)


def array_of(tensor: Any) -> Any:
    """NumPy's array of either library's tensor; bfloat16, which NumPy lacks, as float32."""
    if isinstance(tensor, torch.Tensor):
        return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy(force=True)
    return np.array((tensor.astype("float32") if tensor.dtype.name == "bfloat16" else tensor).numpy())


def gradients_agree(
    function: Any, inputs: list[Any], watched: list[int], chosen: list[int], sides: Sides, number: int
) -> str:
    """What is wrong with the gradient of <v, results> for a random v, if anything."""
    rng = np.random.default_rng(number)
    shapes = [tuple(sides.peer.results[at].shape) for at in chosen]
    # As arrays of float32, so that both dtypes have the same.
    cotangents = [np.asarray(rng.standard_normal(shape), "float32") for shape in shapes]

    def scalar(*xs: Any) -> Any:
        ys = function(*xs)
        terms = [ys[at] * pt.asarray(v).astype(ys[at].dtype) for at, v in zip(chosen, cotangents, strict=True)]
        return sum(term.sum().astype("float64") for term in terms)

    grads = pt.grad(scalar, argnums=tuple(range(len(inputs))))(*inputs)
    found = [pt.view_as_real(g) if g.dtype.is_complex else g for g in grads]
    peer, narrow, wide = (side.gradients(watched, chosen, cotangents) for side in sides)
    for place, (got, want, rough, fine) in enumerate(zip(found, peer, narrow, wide, strict=True)):
        lost = cancelled(array_of(rough), array_of(fine), array_of(want).dtype)
        exact = fine if sides.peer is sides.narrow else want
        wrong = arrays_agree(array_of(got), array_of(want), array_of(exact), lost)
        if wrong:
            return f"input {place}: {wrong}"
    return ""
