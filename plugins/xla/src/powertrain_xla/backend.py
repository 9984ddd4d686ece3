"""The backend: a traced program becomes one function of jax.numpy, which XLA compiles for the device that JAX has."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Backend, Graph, param

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
          "uint16", "uint32", "uint64", "complex64", "complex128")  # fmt: skip
# Constants of more elements are arguments: inside the program XLA would fold and copy them.
MOST_INSIDE = 1024


@dataclass(frozen=True, kw_only=True)
class XlaParams:
    platform: str = param("", doc="what runs it, as JAX calls it; what JAX chooses when not given", usual='"cpu"')


class Xla(Backend):
    """Runs programs through JAX, each compiled once by XLA for the device that JAX has.

    Nothing of JAX is imported until it is asked whether it can run. 64-bit numbers are switched on for its own calls
    alone, so that other code that uses JAX keeps what it has set.
    """

    Params = XlaParams
    name = "xla"

    def __init__(self, params: XlaParams | None = None) -> None:
        self.params = params or XlaParams()
        self.dtypes = frozenset(DTYPES)

    @functools.cached_property
    def ops(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset(self.rules)

    @functools.cached_property
    def rules(self) -> Mapping[str, Callable[..., Any]]:
        from powertrain_xla.rules import RULES

        return RULES

    @functools.cached_property
    def device(self) -> Any:
        import jax

        return jax.devices(self.params.platform or None)[0]

    def available(self) -> str | None:
        """Why it cannot run here, and what to do; None if it can."""
        if importlib.util.find_spec("jax") is None:
            return "JAX is not installed; expected jax 0.4.35 or later; install it: pip install jax"
        try:
            _ = self.device
        except RuntimeError as error:
            return f"JAX has no such device ({error}); expected one of jax.devices(); leave platform out"
        return None

    def version(self) -> str:
        import jax

        return f"jax {jax.__version__} on {self.device.platform} ({self.device.device_kind})"

    def place(self, array: NDArray[Any], dtype: str) -> Any:
        """The array in the device's memory. A copy: what was given may change before XLA has read it."""
        import jax
        import jax.numpy as jnp

        with _wide():
            held = array.view(jnp.bfloat16) if dtype == "bfloat16" else array
            return jax.device_put(np.array(held), self.device)

    def fetch(self, array: Any) -> NDArray[Any]:
        held = np.asarray(array)
        return held.view(np.uint16) if array.dtype.name == "bfloat16" else held

    def compile(self, graph: Graph) -> Callable[[Sequence[Any]], Sequence[Any]]:
        import jax

        constants = {value: self.place_tensor(tensor) for value, tensor in graph.constants.items()}
        inside = {value: constants[value] for value, tensor in graph.constants.items() if tensor.size <= MOST_INSIDE}
        outside = [value for value in constants if value not in inside]

        def traced(inputs: Sequence[Any], large: Sequence[Any]) -> list[Any]:
            return graph.evaluate(self.rules, inputs, {**inside, **dict(zip(outside, large, strict=True))})

        # Nothing is donated: a step whose guard trips leaves what was there before.
        program = jax.jit(traced)
        large = [constants[value] for value in outside]

        def run(arrays: Sequence[Any]) -> Sequence[Any]:
            with _wide():
                return list(program(list(arrays), large))

        with _wide():  # what a rule cannot do is said now, and traced no second time
            types = [graph.values[value] for value in graph.inputs]
            jax.eval_shape(program, [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in types], large)

        return run


def _wide() -> Any:
    """Inside the block JAX has 64-bit integers and floats."""
    import jax

    # Older ones have it in experimental alone.
    enable = jax.enable_x64 if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental").enable_x64
    return enable(True)
