"""L-BFGS: a direction from the last differences of gradients, and a line search along it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, NoReturn

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.optim.clipping import global_norm
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.parameters import Named
from powertrain.optim.received import Gradients, check_gradients
from powertrain.optim.settings import OptimizerError, check_settings
from powertrain.optim.wolfe import Point, strong_wolfe

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Closure = Callable[[], tuple[pt.Tensor, Gradients]]
# Below this a pair of differences says nothing about curvature.
_LEAST_CURVATURE = 1e-10


class LBFGS(Optimizer):
    """Limited-memory BFGS, with a strong Wolfe line search or without, as PyTorch has it.

    `minimize(closure)` makes up to `max_iter` steps, calling the closure, which gives the loss and the gradients at
    the present parameters: it may be compiled. All parameters share one group and dtype (Nocedal and Wright 2006,
    ch. 3 and 7).

    lr              first length that is tried, and the length without a line search
    max_eval        most calls of the closure, 1.25 max_iter unless given
    history_size    most differences that are kept; each one takes twice the memory of the parameters
    line_search_fn  "strong_wolfe", or None, which takes every step at the length lr

    Example
        >>> w = pt.Slot(np.zeros(2, np.float32), 'w', trainable=True)
        >>> opt = pt.optim.LBFGS([w])
        >>> loss = opt.minimize(pt.nn.value_and_grad([w], lambda: pt.square(w - 3.0).sum()))
        >>> [round(x, 3) for x in w.numpy().tolist()]
        [3.0, 3.0]
    """

    MOMENTS = ("direction", "before")
    DECAYS = False
    COUNTERS: ClassVar[Mapping[str, float]] = {"length": 0.0, "scale": 1.0}

    def __init__(
        self,
        params: Named,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        name: str = "lbfgs",
    ) -> None:
        check_settings(name, max_iter=max_iter, max_eval=max_eval, history_size=history_size)
        check_settings(name, rate=tolerance_grad, weight_decay=tolerance_change)
        if line_search_fn not in (None, "strong_wolfe"):
            raise OptimizerError(
                f"[{name}] line_search_fn = {shown(line_search_fn)}; expected 'strong_wolfe', or None for steps of "
                "length lr; 'strong_wolfe' is usual"
            )
        self.max_iter, self.max_eval = max_iter, max_eval or max_iter * 5 // 4
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.history_size, self.line_search_fn = history_size, line_search_fn
        super().__init__(params, lr=lr, name=name)
        if len(self.parts) != 1:
            raise OptimizerError(f"[{name}] parameters of {len(self.parts)} dtypes; expected one; cast the model")
        self._part = self.parts[0]
        # The differences of gradients and of parameters, oldest first; made as they come.
        self._pairs: list[tuple[pt.Slot, pt.Slot]] = []

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        yield from super().named_slots()
        for pair in self._pairs:
            for flat in pair:
                yield from ((view.name, view) for view in flat.views)

    @property
    def grad_norm(self) -> pt.Tensor:
        """The norm of the gradient where the last step began."""
        return global_norm([self._state("before")])

    def load_state_dict(self, state: Mapping[str, TensorLike]) -> None:
        """Set the state to what `state_dict` gave, with as many differences as it has."""
        before = self._pairs
        named = re.compile(re.escape(f"{self.name}.y") + r"(\d+)\.")
        numbers = {int(found[1]) for found in map(named.match, state if isinstance(state, Mapping) else ()) if found}
        count = min(len(numbers), self.history_size)
        self._pairs = before[:count]
        while len(self._pairs) < count:
            self._add_pair()
        try:
            super().load_state_dict(state)
        except Exception:
            self._pairs = before
            raise

    def _add_pair(self) -> None:
        y, s = (pt.flat_like(self._part.layout, f"{self.name}.{kind}{len(self._pairs)}") for kind in ("y", "s"))
        self._pairs = [*self._pairs, (y, s)]

    def update(
        self,
        grads: Gradients,
        weight: TensorLike | None = None,
        *,
        check: Callable[[pt.Tensor], pt.Tensor] | None = None,
    ) -> None:
        raise OptimizerError(
            f"[{self.name}] update with gradients; expected minimize(closure), which calls closure at several points; "
            "pass a function that gives the loss and the gradients"
        )

    def _evaluated(self, closure: Closure) -> tuple[float, pt.Tensor]:
        loss, grads = closure()
        given = [
            gradient for gradient in check_gradients(self, grads) if isinstance(gradient, pt.Tensor)
        ]  # no row-sparse ones
        return float(loss.item()), pt.pack(given, self._part.values)

    def _state(self, moment: str) -> pt.Tensor:
        return self._part.state[moment].value

    def _remember(self, g: pt.Tensor) -> None:
        """The last step and what it did to the gradient, if they say something."""
        y, s = g - self._state("before"), self._state("direction") * float(self._counters["length"].value.item())
        curvature = dot(y, s)
        if curvature <= _LEAST_CURVATURE:
            return
        if len(self._pairs) < self.history_size:
            self._add_pair()
        else:
            for old, new in itertools.pairwise(self._pairs):
                old[0].value, old[1].value = new[0].value, new[1].value
        self._pairs[-1][0].value, self._pairs[-1][1].value = y, s
        self._set("scale", curvature / dot(y, y))

    def _set(self, counter: str, value: float) -> None:
        self._counters[counter].value = pt.tensor(float(value), dtype="float64")

    def _direction(self, g: pt.Tensor) -> pt.Tensor:
        """Minus the gradient times the inverse of the Hessian that the differences know (the two loops of ch. 7.2)."""
        pairs = [(y.value, s.value) for y, s in self._pairs]
        q, shares = -g, []
        for y, s in reversed(pairs):
            share = dot(s, q) / dot(y, s)
            q = q - y * share
            shares.append(share)
        q = q * float(self._counters["scale"].value.item())
        for (y, s), share in zip(pairs, reversed(shares), strict=True):
            q = q + s * (share - dot(y, q) / dot(y, s))
        return q

    def step(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError(
            f"[{self.name}] step(); expected minimize(closure), whose closure gives the loss and the gradients; write "
            "opt.minimize(lambda: pt.nn.value_and_grad(model, loss_fn)(x, y))"
        )

    def minimize(self, closure: Closure) -> pt.Tensor:
        """Up to `max_iter` steps; gives the loss before them.

        Errors    NonFiniteError for a gradient that is not finite where it begins; what the closure raises, after
                  which the parameters are where the last step led them
        """
        loss, g = self._evaluated(closure)
        first = pt.tensor(loss, dtype="float64")
        pt.guard(g)
        calls = 1
        for number in range(1, self.max_iter + 1):
            if largest(g) <= self.tolerance_grad:
                break
            begun = int(self.updates.value.item()) > 0
            if begun:
                self._remember(g)
            d = self._direction(g)
            lr = float(self.lr.item())
            length = lr if begun else min(1.0, 1.0 / float(pt.sum(pt.abs(g)).item())) * lr
            slope = dot(g, d)
            self._part.state["direction"].value, self._part.state["before"].value = d, g
            self.updates.value = self.updates.value + 1
            self._set("length", length)
            if slope > -self.tolerance_change:
                break
            before = loss
            loss, g, length, more = self._moved(closure, Point(0.0, loss, g, slope), d, length, calls, number)
            self._set("length", length)
            calls += more
            moved = largest(d) * abs(length)
            if calls >= self.max_eval or moved <= self.tolerance_change:
                break
            if abs(loss - before) < self.tolerance_change:
                break
        return first

    def _moved(
        self, closure: Closure, start: Point, d: pt.Tensor, length: float, calls: int, number: int
    ) -> tuple[float, pt.Tensor, float, int]:
        """The parameters moved along d; the loss and the gradient there, the length, and the calls it took."""
        origin = self._part.values.value

        def at(t: float) -> Point:
            self._part.values.value = origin + d * t
            loss, g = self._evaluated(closure)
            return Point(t, loss, g, dot(g, d))

        try:
            if self.line_search_fn:
                most = self.max_eval - calls
                found, more = strong_wolfe(at, start, length, largest(d), self.tolerance_change, most)
            elif number < self.max_iter:
                found, more = at(length), 1
            else:
                found, more = Point(length, start.loss, start.g, start.slope), 0
        except BaseException:  # of the closure: nobody is left at a point that was only tried
            self._part.values.value = origin
            raise
        self._part.values.value = origin + d * found.t
        return found.loss, found.g, found.t, more


def dot(a: pt.Tensor, b: pt.Tensor) -> float:
    return float(pt.sum(a * b).item())


def largest(x: pt.Tensor) -> float:
    found = float(pt.max(pt.abs(x)).item())
    return found if not math.isnan(found) else math.inf
