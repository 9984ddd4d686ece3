"""Backends that are wrong in one way each: (code of the finding, what its text must say, the source). The entry point
names `it`; each is the NumPy backend of the tests with one thing changed."""

from __future__ import annotations

HEAD = """
import numpy as np
from numpy_backend import RULES, NumPyBackend

class it(NumPyBackend):
    _rules = dict(RULES)
"""


def rule(op: str, text: str) -> str:
    return f"{HEAD}\nit._rules[{op!r}] = {text}\n"


def in_steps(text: str) -> str:
    """What is done with each output `one` of a whole step, which alone has both of these ops."""
    return (
        HEAD + "    def compile(self, graph):\n        run = super().compile(graph)\n"
        "        whole = {'matmul', 'random_uniform'} <= {node.op for node in graph.nodes}\n"
        f"        return lambda arrays: [({text}) if whole else one for one in run(arrays)]\n"
    )


WRONG: dict[str, tuple[str, str, str]] = {
    "sign": ("wrong-result", "subtract(float32[37], float32[37]) gives",
             rule("subtract", "lambda call, a, b: (b - a).astype(call.dtype)")),
    "precision": ("wrong-result", "matmul(float32[5, 7], float32[7, 3]) gives",
                  rule("matmul", "lambda call, a, b: (a.astype('f2') @ b.astype('f2')).astype(call.dtype)")),
    "nan": ("wrong-result", "maximum(float32[22, 22], float32[22, 22]) gives",
            rule("maximum", "lambda call, a, b: np.fmax(a, b).astype(call.dtype)")),
    "negative-index": ("wrong-result", "take(float32[6, 3], int64[2, 4], axis=0) gives",
                       rule("take", "lambda call, x, index: np.take(x, index, call['axis'], mode='clip')")),
    "lost-updates": ("wrong-result", "put_along_axis(",
                     rule("put_along_axis", "lambda call, index, updates: put(call, index, updates)")
                     + "\ndef put(call, index, updates):\n    made = np.zeros(call.shape, call.dtype)\n"
                       "    np.put_along_axis(made, index, updates, call['axis'])\n    return made\n"),
    "random-bits": ("wrong-result", "random_uniform(int64[3], shape=(2, 3), ordinal=0, dtype='float32') gives",
                    rule("random_uniform", "lambda call, state: np.full(call.shape, 0.5, call.dtype)")),
    "dtype": ("refuses", "gave float64[37] as output 0", rule("exp", "lambda call, x: np.exp(x).astype('float64')")),
    "shape": ("refuses", "gave float32[5] as output 0",
              rule("sum", "lambda call, x: np.sum(x, call['axis']).astype(call.dtype)")),
    "raises": ("raises", "sqrt(float32[37]) raised ZeroDivisionError", rule("sqrt", "lambda call, x: 1 // 0")),
    "mutates": ("writes-input", "changes an array that it was given",
                rule("relu", "lambda call, x: cut(x)") + "\ndef cut(x):\n    x[x < 0] = 0\n    return x\n"
                + "it.place = lambda self, array, dtype: array.copy()\n"),
    "unrepeatable": ("not-repeatable", "gives other bits the second time",
                     rule("tanh", "lambda call, x: count(x)")
                     + "\nSEEN = [0]\ndef count(x):\n    SEEN[0] += 1\n"
                       "    return np.tanh(x) * np.float32(1 + (SEEN[0] > 3) * 2e-7)\n"),
    "round-trip": ("round-trip", "fetch(place(x)) of",
                   HEAD + "    def place(self, array, dtype):\n        return array[::-1] if array.ndim else array\n"),
    "aliases": ("round-trip", "an array that was placed changes with the one that it was placed from",
                HEAD + "    def place(self, array, dtype):\n        return array\n"),
    "unknown-op": ("unknown-op", "it says that it runs 'add_two'", rule("add_two", "None")),
    "protocol": ("protocol", "has no fetch; expected it.fetch",
                 "from powertrain.plugin import Backend\nclass it(Backend):\n    ops = dtypes = ()\n"
                 "    available = place = compile = lambda self, *given: None\n"),
    "guards": ("commits-failure", "a step of a perceptron with dropout whose loss is not finite changes",
               in_steps("np.ones_like(one) if one.dtype == bool else one")),
    "axis": ("refuses", "concat([float32[2, 2], float32[2, 2]], axis=1): gave float32[4, 2]",
             rule("concat", "lambda call, *parts: np.concatenate(parts, 0 if len({x.shape for x in parts}) == 1 else "
                            "call['axis'])")),
    "writes-later": ("writes-input", "changes an array that it was given",
                     HEAD + "    _rules = {name: rule for name, rule in RULES.items() if name != 'random_uniform'}\n"
                     "    def compile(self, graph):\n        run = super().compile(graph)\n"
                     "        def wrong(arrays):\n            made = [x.copy() for x in run(arrays)]\n"
                     "            for x in arrays:\n                if x.flags.writeable and x.ndim: x[...] = 0\n"
                     "            return made\n        return wrong\n"),
    "step": ("wrong-step", "losses of a perceptron with dropout are", in_steps("one * 2 if one.shape == () else one")),
}  # fmt: skip
NOT_HERE = HEAD + "    def available(self):\n        return 'there is no such device; expected one; plug it in'\n"
HANGS = HEAD + "    def compile(self, graph):\n        while True:\n            pass\n"
RIGHT = HEAD
