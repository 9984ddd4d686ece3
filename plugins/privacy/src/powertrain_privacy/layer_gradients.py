"""The per-example gradients of one layer: their squared norms, and their sum with a weight for each example.

Linear layers, embeddings, positions and class tokens do without the gradients themselves (ghost clipping: Li et al.
2022, Bu et al. 2022). Other layers compute them, in memory of the batch times their parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import powertrain as pt
from powertrain_privacy.errors import PrivacyError


class LayerGradient(Protocol):
    """What clipping asks of a layer."""

    def squares(self) -> Any:
        """The squared norm of each example's gradient by the parameters of the layer."""

    def weighted(self, factors: Any) -> Mapping[str, Any]:
        """The sum of the gradients, each times a factor, by the names of the parameters."""


def gradient_of(
    layer: pt.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], g: Any, scored: tuple[Any, Any] | None = None
) -> LayerGradient:
    """Of a call of the layer; `g` is the gradient by its output, one row for each example.

    Where the table of an embedding also gives scores, it has `scored`: what was scored, and the gradient by the scores.
    """
    if kwargs:
        return OneByOne(layer, args, g, kwargs)
    if type(layer) is pt.nn.Linear and products_are_smaller(args[0], layer.weight.shape):
        return GhostLinear(layer, args, g)
    if type(layer) is pt.nn.Embedding:
        return GhostEmbedding(layer, args, g) if scored is None else GhostTied(layer, args, g, *scored)
    if type(layer) is pt.nn.PositionEmbedding and len(args) == 1:
        return GhostPositions(layer, args, g)
    if type(layer) is pt.nn.ClassToken:
        return GhostClassToken(layer, args, g)
    return OneByOne(layer, args, g)


def trainable(layer: pt.nn.Module) -> dict[str, pt.Slot]:
    """The parameters of a layer itself, and not of layers inside of it."""
    return {name: slot for name, slot in layer.named_parameters(recurse=False) if slot.trainable}


def backward(
    layer: pt.nn.Module, args: tuple[Any, ...], g: Any, kwargs: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The gradients of a layer by its own parameters, from that by its output."""
    slots, g = trainable(layer), pt.stop_gradient(g)

    def loss() -> Any:
        # forward itself, which no hook sees. Its value is not used, so a compiled step does not compute it again.
        output = layer.forward(*args, **kwargs)
        return pt.sum((output[0] if isinstance(output, tuple) else output) * g)

    _, found = pt.nn.value_and_grad(list(slots.values()), loss)()
    return dict(zip(slots, found, strict=True))


class OneByOne:
    """By the gradients of each example, for any layer that takes tensors of one row for each example."""

    def __init__(
        self, layer: pt.nn.Module, args: tuple[Any, ...], g: Any, kwargs: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        rate = getattr(layer, "dropout", 0.0)  # where it is a layer, `DPSGD.missed` sees what it drops
        if not isinstance(rate, pt.nn.Module) and rate and layer.training:
            raise PrivacyError(
                f"[dp-sgd] {type(layer).__name__} has dropout = {rate}; expected 0 within a layer that has "
                "parameters, since its gradients are computed by a second pass, which would drop others; set "
                "dropout = 0"
            )
        given = [*args, *kwargs.values()]
        tensors = [at for at, value in enumerate(given) if isinstance(value, pt.Tensor)]

        def of_one(*rows: Any) -> dict[str, Any]:
            *inputs, own = (pt.expand_dims(row, 0) for row in rows)
            one = list(given)
            for at, row in zip(tensors, inputs, strict=True):
                one[at] = row
            named = dict(zip(kwargs, one[len(args) :], strict=True))
            return backward(layer, tuple(one[: len(args)]), own, named)

        self.shapes = {name: slot.shape for name, slot in trainable(layer).items()}
        each = pt.vmap(of_one)(*(given[at] for at in tensors), g)
        self.each = {name: pt.reshape(one, (g.shape[0], -1)) for name, one in each.items()}

    def squares(self) -> Any:
        parts = [pt.sum(pt.square(each), axis=1) for each in self.each.values()]
        return sum(parts[1:], parts[0])

    def weighted(self, factors: Any) -> dict[str, Any]:
        return {name: pt.reshape(pt.matmul(factors, each), self.shapes[name]) for name, each in self.each.items()}


class _Ghost:
    """A layer that knows the norms without the gradients. Their weighted sum is one pass back through it, with the rows
    of its output gradient times the factors."""

    def __init__(self, layer: pt.nn.Module, args: tuple[Any, ...], g: Any) -> None:
        self.layer, self.args, self.g = layer, args, g

    def weighted(self, factors: Any) -> dict[str, Any]:
        rows = pt.reshape(factors, (-1, *[1] * (self.g.ndim - 1)))
        return backward(self.layer, self.args, self.g * rows)


def products_are_smaller(x: Any, weight: Sequence[int]) -> bool:
    """Whether the products of all positions of an example take less memory than its gradient, of the shape `weight`."""
    positions = math.prod(x.shape[1:-1])
    return positions == 1 or bool(2 * positions**2 < math.prod(weight))


class GhostLinear(_Ghost):
    """The gradient by the weight is the sum of x_t g_t' over positions t. Its square is the sum of (x_s.x_t)(g_s.g_t)
    over pairs of positions; of one position, |x|^2 |g|^2."""

    def squares(self) -> Any:
        slots, (x,) = trainable(self.layer), self.args
        x, g = by_position(x), by_position(self.g)
        found = pt.sum(pair_products(x) * pair_products(g), axis=(1, 2)) if "weight" in slots else 0.0
        return found + pt.sum(pt.square(pt.sum(g, axis=1)), axis=1) if "bias" in slots else found


class GhostEmbedding(_Ghost):
    """The gradient of a row of the table is the sum of g_t over the positions t that look it up."""

    def __init__(self, layer: pt.nn.Embedding, args: tuple[Any, ...], g: Any) -> None:
        if layer.weight.sparse or layer.scale_grad_by_freq or layer.padding_idx is not None:
            raise PrivacyError(
                "[dp-sgd] nn.Embedding with sparse, scale_grad_by_freq or padding_idx; expected none of them: noise "
                "goes to every row, and no gradient may depend on another example; leave them out"
            )
        super().__init__(layer, args, g)

    def squares(self) -> Any:
        index = pt.reshape(self.args[0], (self.g.shape[0], -1))
        g = by_position(self.g)
        same = pt.equal(pt.expand_dims(index, 2), pt.expand_dims(index, 1))
        return pt.sum(pt.where(same, pair_products(g), 0.0), axis=(1, 2))


class GhostTied(GhostEmbedding):
    """An embedding whose table is also the last layer. Its gradient is the sum of the embedding's and of that by the
    scores, the sum of c_s h_s' over positions s, where h was scored and c is the gradient by the scores."""

    def __init__(self, layer: pt.nn.Embedding, args: tuple[Any, ...], g: Any, scored: Any, by_scores: Any) -> None:
        super().__init__(layer, args, g)
        self.h, self.c = by_position(scored), by_position(by_scores)

    def squares(self) -> Any:
        """The square of a sum; the product of both gradients is the sum of c_s[word_t] (h_s.g_t) over s and t."""
        g, h, c = by_position(self.g), self.h, self.c
        words = pt.reshape(self.args[0], (g.shape[0], 1, -1))
        if products_are_smaller(h, self.layer.weight.shape):
            of_words = pt.take_along_axis(c, pt.broadcast_to(words, (*c.shape[:2], words.shape[2])), axis=2)
            both = pt.sum(of_words * pt.matmul(h, pt.swapaxes(g, 1, 2)), axis=(1, 2))
            by_scores = pt.sum(pair_products(h) * pair_products(c), axis=(1, 2))
        else:
            each = pt.matmul(pt.swapaxes(c, 1, 2), h)
            rows = pt.broadcast_to(pt.swapaxes(words, 1, 2), g.shape)
            both = pt.sum(g * pt.take_along_axis(each, rows, axis=1), axis=(1, 2))
            by_scores = pt.sum(pt.square(each), axis=(1, 2))
        return super().squares() + by_scores + 2 * both

    def weighted(self, factors: Any) -> dict[str, Any]:
        c = self.c * pt.reshape(factors, (-1, 1, 1))
        c, h = (pt.reshape(rows, (-1, rows.shape[2])) for rows in (c, self.h))
        return {name: g + pt.matmul(pt.swapaxes(c, 0, 1), h) for name, g in super().weighted(factors).items()}


class GhostPositions(_Ghost):
    """The gradient by the vector of a position is that by the token there."""

    def squares(self) -> Any:
        return pt.sum(pt.square(by_position(self.g)), axis=(1, 2))


class GhostClassToken(_Ghost):
    """The gradient by the token is that by the first row of the output."""

    def squares(self) -> Any:
        return pt.sum(pt.square(self.g[:, 0]), axis=1)


def by_position(rows: Any) -> Any:
    """What has any number of axes of positions, as [batch, positions, width]."""
    return pt.reshape(rows, (rows.shape[0], -1, rows.shape[-1]))


def pair_products(rows: Any) -> Any:
    """The inner products of all pairs of an example's rows."""
    if rows.shape[1] == 1:
        return pt.sum(pt.square(rows), axis=2, keepdims=True)
    return pt.matmul(rows, pt.swapaxes(rows, 1, 2))
