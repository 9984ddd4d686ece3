"""The usual parametrizations: orthogonal weights, those of a trained length, and of a bounded spectral norm."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn import checks
from powertrain.nn.module import Module
from powertrain.nn.utils.orthogonal import Map, Orthogonal
from powertrain.nn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _places(where: str, module: Module, name: str) -> tuple[int, ...]:
    """Where each of PyTorch's axes of a parameter is here."""
    slot = module._slots.get(name)
    if slot is None or name in module._buffers:
        names = [one for one, _ in module.named_parameters(recurse=False)]
        raise checks.SettingError(
            f"[{where}] name = {name!r}; expected a parameter of {type(module).__name__}: "
            f"{', '.join(names) or 'it has none'}; see module.named_parameters()"
        )
    axes = module.torch_layout(name) or tuple(range(len(slot.shape)))
    return tuple(axes.index(axis) for axis in range(len(axes)))


def _check_axis(where: str, dim: int, places: tuple[int, ...]) -> None:
    if not checks.whole(dim, -len(places), len(places) - 1):
        raise checks.SettingError(
            f"[{where}] dim = {dim!r}; expected an axis of a parameter with {len(places)}; 0, that of the outputs, is "
            "usual"
        )


class _WeightNorm(Module):
    """v times g over the norm of v, one for each place along an axis, or one alone."""

    def __init__(self, axes: tuple[int, ...] | None) -> None:
        super().__init__()
        self.axes = axes  # over which the norm is taken; None: over all

    def _norm(self, v: Any) -> pt.Tensor:
        wide = v if v.dtype == pt.float64 else pt.astype(v, "float32")
        norm = pt.sqrt(pt.sum(pt.square(wide), axis=self.axes, keepdims=self.axes is not None))
        return pt.astype(norm, v.dtype)

    def forward(self, g: Any, v: Any) -> pt.Tensor:
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train the length and the direction of a weight by themselves; returns the module.

    `parametrizations.weight.original0` holds the lengths, `original1` the directions. `dim` counts the axes as
    PyTorch's weight has them: 0 gives one length to each output, None one to all.

    Errors    a name that is no parameter of the module; a dim that it does not have
    Source    Salimans & Kingma 2016; PyTorch, nn.utils.parametrizations.weight_norm
    Example
        >>> import powertrain as pt
        >>> layer = pt.nn.utils.parametrizations.weight_norm(pt.nn.Linear(4, 3))
        >>> layer.parametrizations.weight.original0.shape, layer.weight.shape
        ((1, 3), (4, 3))
    """
    places = _places("weight_norm", module, name)
    if dim is None or dim == -1:  # as in PyTorch
        return register_parametrization(module, name, _WeightNorm(None))
    _check_axis("weight_norm", dim, places)
    kept = places[dim]
    return register_parametrization(module, name, _WeightNorm(tuple(at for at in range(len(places)) if at != kept)))


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: Map | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep a weight orthogonal: its columns are orthonormal, or its rows if these are fewer; returns the module.

    The weight becomes the orthogonal matrix of its own QR decomposition. `orthogonal_map` is "matrix_exp", "cayley" or
    "householder"; unless given, the first of square matrices and the last of others. Without `use_trivialization` the
    free numbers are those of the map itself, which "householder" alone can begin with. Of more than two axes the last
    two of PyTorch's weight are matrices.

    Errors    a name that is no parameter of the module, or has one axis; complex numbers; another map
    Source    Lezcano-Casado 2019; PyTorch, nn.utils.parametrizations.orthogonal
    Example
        >>> import powertrain as pt
        >>> layer = pt.nn.utils.parametrizations.orthogonal(pt.nn.Linear(3, 3))
        >>> pt.allclose(layer.weight @ layer.weight.T, pt.eye(3), atol=1e-5).item()
        True
    """
    where = "orthogonal"
    places = _places(where, module, name)
    slot = module._slots[name]
    if len(places) < 2 or not slot.dtype.is_float:
        raise checks.SettingError(
            f"[{where}] {name} is {slot.dtype.name}{list(slot.shape)}; expected a real matrix, or several; name "
            "another parameter"
        )
    rows, columns = (slot.shape[place] for place in places[-2:])
    kind = ("matrix_exp" if rows == columns else "householder") if orthogonal_map is None else orthogonal_map
    checks.choice(where, ("matrix_exp", "cayley", "householder"), orthogonal_map=kind)
    if not use_trivialization and kind != "householder":
        raise checks.SettingError(
            f"[{where}] orthogonal_map = {kind!r} without use_trivialization; expected 'householder', whose numbers a "
            "weight has; leave use_trivialization out"
        )
    return register_parametrization(module, name, Orthogonal(places, kind, use_trivialization))


class _SpectralNorm(Module):
    """A weight over its largest singular value, which iterations of the power method find, one or more per reading."""

    def __init__(self, weight: Any, places: tuple[int, ...], dim: int, iterations: int, eps: float) -> None:
        super().__init__()
        self.places, self.dim, self.n_power_iterations, self.eps = places, dim, iterations, eps
        if len(places) > 1:
            rows, columns = self._matrix(weight).shape
            self._u = pt.Slot(self._unit(pt.random.normal(size=(rows,))))
            self._v = pt.Slot(self._unit(pt.random.normal(size=(columns,))))
            self._iterate(self._matrix(weight), 15)

    def _unit(self, x: Any) -> pt.Tensor:
        return x / pt.maximum(pt.sqrt(pt.sum(pt.square(x))), self.eps)

    def _matrix(self, weight: Any) -> pt.Tensor:
        """With the axis `dim` as rows and PyTorch's order of the others as columns."""
        order = (self.places[self.dim], *(at for axis, at in enumerate(self.places) if axis != self.dim))
        turned = pt.permute_dims(weight, order)
        return pt.astype(pt.reshape(turned, (turned.shape[0], -1)), "float32")

    def _iterate(self, matrix: Any, iterations: int) -> None:
        u: Any = self._u
        v: Any = self._v
        matrix = pt.stop_gradient(matrix)
        for _ in range(iterations):
            u = self._unit(pt.matmul(matrix, v))
            v = self._unit(pt.matmul(pt.matrix_transpose(matrix), u))
        self._u.value, self._v.value = pt.astype(u, self._u.dtype), pt.astype(v, self._v.dtype)

    def forward(self, weight: Any) -> pt.Tensor:
        if len(self.places) == 1:
            return weight / pt.maximum(pt.sqrt(pt.sum(pt.square(weight))), self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        largest = pt.sum(self._u.value * pt.matmul(matrix, self._v.value))
        return weight / pt.astype(largest, weight.dtype)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, as a matrix [outputs, rest]; returns the module.

    In training each reading of the weight makes `n_power_iterations` of the power method, whose vectors are the buffers
    `_u` and `_v`. `dim` counts the axes as PyTorch's weight has them; without it the outputs are the rows.

    Errors    a name that is no parameter of the module; a dim that it does not have
    Source    Miyato et al. 2018; PyTorch, nn.utils.parametrizations.spectral_norm
    Example
        >>> import powertrain as pt
        >>> layer = pt.nn.utils.parametrizations.spectral_norm(pt.nn.Linear(4, 4)).eval()
        >>> round(pt.linalg.norm(layer.weight, ord=2).item(), 1)
        1.0
    """
    where = "spectral_norm"
    checks.sizes(where, 1, n_power_iterations=n_power_iterations)
    checks.numbers(where, above=0, eps=eps)
    places = _places(where, module, name)
    dim = (1 if type(module).__name__.startswith("ConvTranspose") else 0) if dim is None else dim
    _check_axis(where, dim, places)
    weight = module._slots[name].value
    made = _SpectralNorm(weight, places, dim % len(places), n_power_iterations, eps)
    made.train(module.training)
    return register_parametrization(module, name, made)


_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
