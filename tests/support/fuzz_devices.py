"""The calls of a random graph on a device: each by itself on the values that it was given, beside what the CPU made.

The bits must be the same; products and convolutions add in another order there, and are compared with NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from calls import outputs, to_array
from fuzz_numpy import against_numpy
from fuzz_ops import Call
from oracles import same_bits

PRODUCTS = ("matmul", "linear", "conv2d")


def against_cpu(calls: Sequence[Call], values: Sequence[Any], device: str) -> Iterator[str]:
    """What is wrong with the calls of a graph on the device, each by itself; `values` are those on the CPU."""
    for call in calls:
        made = outputs(call.apply([values[at].to(device) for at in call.places]))
        places = {str(y.device) for y in made}
        if places != {device}:
            yield f"{call} was computed on {', '.join(places)}"
        if call.op in PRODUCTS:
            replaced = list(values)
            for at, y in zip(call.made, made, strict=True):
                replaced[at] = y
            yield from against_numpy([call], replaced)
            continue
        for at, y in zip(call.made, made, strict=True):
            if not same_bits(to_array(y), to_array(values[at])):
                yield f"v{at} = {call}: not the CPU's bits"
