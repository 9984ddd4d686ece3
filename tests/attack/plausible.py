"""What fits a parameter, by its name or annotation, so that a call with one wrong argument comes past the others."""

from __future__ import annotations

import inspect
import random

FLOATS = [
    f"pt.ones({shape})"
    for shape in ("(2, 3)", "(3,)", "(3, 3)", "(2, 3, 8, 8)", "(2, 8, 8, 3)", "(4, 4, 3)", "(6,)", "()")
]
INTEGERS = ["pt.tensor([0, 1])", "pt.tensor([[0, 1, 1]])", "1", "pt.tensor([2, 0, 1])"]
FUNCTIONS = ["lambda *a: pt.sum(a[0] * a[0])", "lambda *a: a[0] * 2", "lambda s, x=None: (s, s)", "lambda *a: a[0] < 9"]

NAMES: dict[str, list[str]] = {
    "shape": ["(2, 3)", "3", "()"],
    "size": ["3", "(4, 4)"],
    "axis": ["0", "-1", "1", "None"],
    "axes": ["(0,)", "(0, 1)", "(1, 0)", "None"],
    "dim": ["3"],
    "dtype": ["'float32'", "pt.int64", "'float16'", "None"],
    "index": INTEGERS,
    "indices": INTEGERS,
    "labels": INTEGERS,
    "target": [*INTEGERS, *FLOATS],
    "function": FUNCTIONS,
    "fn": FUNCTIONS,
    "body": FUNCTIONS,
    "condition": [*FUNCTIONS, "pt.tensor([True, False, True])"],
    "predicate": ["True", "pt.tensor(True)"],
    "params": ["pt.nn.Linear(3, 4)", "[pt.Slot(pt.ones((2, 3)), 's', trainable=True)]"],
    "model": ["pt.nn.Linear(3, 4)"],
    "module": ["pt.nn.Linear(3, 4)"],
    "grads": ["[pt.ones((3, 4)), pt.ones((4,))]"],
    "gradients": ["[pt.ones((3, 4)), pt.ones((4,))]"],
    "slots": ["[pt.Slot(pt.ones((2, 3)), 's', trainable=True)]"],
    "primals": ["(pt.ones((2, 3)),)"],
    "tangents": ["(pt.ones((2, 3)),)"],
    "xs": ["pt.ones((4, 3))", "None"],
    "init": ["pt.ones((3,))", "0.0", "(pt.ones(()), pt.ones(()))"],
    "lr": ["0.1"],
    "name": ["'a'"],
    "shapes": ["(2, 3)"],
    "padding": ["0", "1", "(1, 1)"],
    "stride": ["1", "(2, 2)"],
    "kernel": ["3", "(2, 2)"],
    "kernel_size": ["3", "(2, 2)"],
    "reduction": ["'mean'", "'none'"],
    "X": ["np.random.default_rng(0).normal(size=(20, 3))"],
    "Y": ["np.random.default_rng(0).integers(0, 2, 20)"],
    "y": ["np.random.default_rng(0).integers(0, 2, 20)", *FLOATS],
    "source": ["S.source()"],
    "dataset": ["S.dataset()"],
    "data": ["S.source()", *FLOATS],
    "batch": ["S.batch()"],
    "text": ["'some text'"],
    "path": ["'.'", "'nothing'"],
    "seed": ["3"],
    "tensors": ["[pt.ones((2, 3)), pt.ones((2, 3))]"],
    "arrays": ["[pt.ones((2, 3)), pt.ones((2, 3))]"],
    "backend": ["None"],
}  # fmt: skip
KINDS: dict[str, list[str]] = {
    "int": ["1", "2", "3", "4"],
    "bool": ["True", "False"],
    "float": ["0.5", "0.1", "1.0"],
    "str": ["'mean'", "'same'", "'x'"],
    "Callable": FUNCTIONS,
    "Module": ["pt.nn.Linear(3, 4)", "pt.nn.Identity()"],
    "Sequence": ["(2, 3)", "[pt.ones((2, 3))]"],
    "Generator": ["pt.random.Generator(3)"],
    "Mapping": ["{}"],
}


def value(draw: random.Random, parameter: inspect.Parameter) -> str:
    """An expression for a parameter."""
    if parameter.name in NAMES:
        return draw.choice(NAMES[parameter.name])
    told = str(parameter.annotation)
    for kind, values in KINDS.items():
        if kind in told:
            return draw.choice(values)
    if isinstance(parameter.default, (bool, int, float, str, tuple)) and draw.random() < 0.7:
        return repr(parameter.default)
    return draw.choice(FLOATS if draw.random() < 0.8 else INTEGERS)
