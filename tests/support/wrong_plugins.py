"""Plugins that are wrong in one way each: (group, the code of the finding, what its text must say, the source). What
the entry point names is always called `it`."""

from __future__ import annotations

MODEL = """
import math
from dataclasses import dataclass
from typing import Any
import numpy as np
import powertrain as pt
from powertrain.plugin import Model, NoParams, param

class it(Model):
    Params = NoParams

    def __init__(self, features, outputs):
        super().__init__()
        self.first = pt.nn.Linear(features, 8)
        self.last = pt.nn.Linear(8, outputs)

    @classmethod
    def build(cls, params, inputs):
        if inputs.task == "language":
            raise ValueError("[it] a text; expected numbers; choose another")
        return cls(math.prod(inputs.shape), inputs.outputs)

    def forward(self, x):
        x = pt.reshape(x, (x.shape[0], -1))
        return self.last(pt.tanh(self.first(x)))
"""
HOST = """
import json
import numpy as np
from powertrain.plugin import HostModel
from powertrain.plugin import NoParams

class it(HostModel):
    Params = NoParams

    @classmethod
    def build(cls, params, inputs):
        if inputs.task != "classification":
            raise ValueError("[it] no classes; expected some; choose another")
        return cls()

    def fit(self, train, valid):
        rows = train["x"].reshape(len(train["x"]), -1)
        means = [rows[train["y"] == number].mean(axis=0).tolist() for number in range(3)]
        return means

    def answer(self, state, x):
        rows = x.reshape(len(x), -1)
        return -np.square(rows[:, None].astype(np.float64) - np.array(state)).sum(axis=2)

    def dump(self, state):
        return json.dumps(state).encode()

    def load(self, data):
        return json.loads(data)
"""
HEAD = """
import numpy as np
import powertrain as pt
import powertrain.nn.functional as F
from dataclasses import dataclass
from powertrain.plugin import *
from powertrain.data import ArrayDataset, DataModule
"""
METRIC = (
    HEAD
    + """
class it(Metric):
    def zero(self): return np.zeros(2)
    def measure(self, prediction, target, weight=None):
        right = prediction.argmax(axis=1) == target
        return np.array([np.sum(weight * right), np.sum(weight)])
    def merged(self, a, b): return a + b
    def result(self, state): return float(state[0] / state[1])
"""
)
DATA = (
    HEAD
    + """
class Source:
    def __init__(self): self.x, self.y = np.arange(80.0).reshape(40, 2), np.arange(40) % 3
    def __len__(self): return 40
    def fetch(self, rows): return {"x": self.x[rows].astype(np.float32), "y": self.y[rows]}

class it(Data):
    Params = NoParams
    @classmethod
    def build(cls, params, base): return DataModule("it", "classification", {"train": Source()}, 3)
"""
)
TRANSFORM = (
    HEAD
    + """
class it(Transform):
    Params = NoParams
    def __init__(self, mean): self.mean = mean
    @classmethod
    def build(cls, params, x): return cls(x.mean(axis=0))
    def __call__(self, x): return x - self.mean
    def state(self): return {"mean": self.mean}
    def restore(self, state): self.mean = state["mean"]
"""
)
STRATEGY = """
import numpy as np
import powertrain as pt
from powertrain.builtin.strategies.supervised import Supervised

class it(Supervised):
    def round(self, run):
        run.loop(self.step, self.data, 2)
"""
OPTIMIZER = (
    HEAD
    + """
from powertrain.optim.optimizer import Optimizer
class it(Optimizer):
    DECAYS = False
    Params = NoParams
    @classmethod
    def build(cls, params, module, **settings): return cls(module, lr=0.01, **settings)
    def update_flat(self, p, g, state, decay, scalars):
        return p - scalars["rate"] * g, {}
"""
)
ENV = (
    HEAD
    + """
class it(Environment):
    Params = NoParams
    actions = 2
    observation = np.zeros(1, np.float32)
    def __init__(self, params): pass
    def reset(self, seed):
        self.draw, self.at = np.random.Generator(np.random.Philox(seed)), 0.0
        return np.float32([self.at])
    def step(self, action):
        self.at += action + self.draw.random()
        return np.float32([self.at]), 1.0, self.at > 9, False
"""
)
CALLBACK = (
    HEAD
    + """
class it(Callback):
    Params = NoParams
    def __init__(self, params): self.seen = 0
    def after_commit(self, event):
        self.seen += 1
        return Stop(f"{self.seen}") if self.seen > 4 else None
    def state(self): return {"seen": np.array(self.seen)}
    def restore(self, arrays): self.seen = int(arrays["seen"])
"""
)


CHANGE = (
    HEAD
    + """
class it(RandomTransform):
    Params = NoParams
    @classmethod
    def build(cls, params, inputs): return cls()
    def change(self, fields, draw):
        x = fields["x"]
        return {**fields, "x": x + draw.integers(9, x.shape).astype(x.dtype)}
"""
)


def loss(body: str, head: str = "def it(output, target):") -> str:
    return f"{HEAD}\nfrom typing import Annotated\n{head}\n    {body}\n"


def but(source: str, old: str, new: str) -> str:
    assert old in source, old
    return source.replace(old, new)


IMPORT = "expected a plugin that can be imported"
WRONG: dict[str, tuple[str, str, str, str]] = {
    "loss-mean": ("loss", "loss-scalar", "is one number", loss("return F.cross_entropy(output, target)")),
    "loss-sum": ("loss", "loss-scalar", "is one number", loss("return pt.sum(pt.square(output - target))")),
    "loss-axis": ("loss", "loss-shape", "expected [6], one value per example; reduce over",
                  loss("return pt.sum(pt.square(output - 1.0), axis=0)")),
    "loss-couples": ("loss", "loss-couples", "changes with the output of another",
                     loss("each = F.cross_entropy(output, target, reduction='none')\n    "
                          "return each - pt.mean(each) * 0.5")),
    "loss-gradient": ("loss", "wrong-gradient", "and differences say",
                      loss("half = pt.stop_gradient(output) * 0.5 + output * 0.5\n    "
                           "return F.cross_entropy(half, target, reduction='none')")),
    "loss-numpy": ("loss", "not-a-tensor", "is a ndarray",
                   loss("return np.square(np.asarray(output)).sum(axis=-1)")),
    "loss-overflow": ("loss", "not-finite", "the loss of outputs around 100 is not finite",
                      loss("picked = pt.astype(pt.nn.functional.one_hot(target, output.shape[-1]), output.dtype)\n    "
                           "return -pt.log(pt.sum(pt.softmax(output, axis=-1) * picked, axis=-1))")),
    "loss-random": ("loss", "global-random", "draws from the random numbers that the whole process shares",
                    loss("return F.cross_entropy(output, target, reduction='none') + np.random.rand()")),
    "loss-untyped": ("loss", "parameter-type", "the parameter gamma has no type",
                     loss("return F.cross_entropy(output, target, reduction='none') * gamma",
                          "def it(output, target, *, gamma=2.0):")),
    "loss-default": ("loss", "parameter-default", "the default of gamma is -1.0",
                     loss("return F.cross_entropy(output, target, reduction='none') * gamma",
                          "def it(output, target, *, gamma: Annotated[float, Range(above=0)] = -1.0):")),
    "loss-typo": ("loss", "raises", "did you mean pt.nn.functional.cross_entropy?",
                  loss("return pt.cross_entrpy(output, target)")),
    "import-missing": ("model", "import", "No module named 'no_such_module'", "import no_such_module\n" + MODEL),
    "import-raises": ("model", "import", "RuntimeError: not today", "raise RuntimeError('not today')\n"),
    "import-exits": ("model", "exit", IMPORT, "import sys\nsys.exit(3)\n"),
    "import-attribute": ("model", "import", "has no attribute 'it'", "x = 1\n"),
    "model-state": ("model", "state-on-self", "changes calls of the module",
                    but(but(MODEL, "        self.last =", "        self.calls = 0\n        self.last ="),
                        "        x = pt.reshape", "        self.calls += 1\n        x = pt.reshape")),
    "model-mixed": ("model", "examples-mixed", "depends on the others in its batch",
                    but(MODEL, "(x.shape[0], -1))", "(x.shape[0], -1))\n        x = x - pt.mean(x, axis=0)")),
    "model-unused": ("model", "no-gradient", "the parameter spare gets no gradient",
                     but(MODEL, "        self.last =", "        self.spare = pt.nn.Parameter(pt.ones((3,)))\n"
                                                       "        self.last =")),
    "model-gradient": ("model", "wrong-gradient", "and differences say",
                       but(MODEL, "pt.tanh(self.first(x))", "pt.stop_gradient(self.first(x)) + 0.01 * self.first(x)")),
    "model-shape": ("model", "output-shape", "expected a tensor [5, 3]",
                    but(MODEL, "return self.last(", "return pt.sum(self.last(").replace("self.first(x)))",
                                                                                      "self.first(x))), axis=1)")),
    "model-typo": ("model", "raises", "[NoParams] widht; expected an attribute of NoParams",
                   but(MODEL, "return cls(math", "params.widht\n        return cls(math")),
    "model-params": ("model", "parameters", "expected a frozen dataclass",
                     but(MODEL, "Params = NoParams", "class Params:\n        width = 3")),
    "model-unfrozen": ("model", "parameters", "Params can be changed",
                       but(MODEL, "Params = NoParams", "@dataclass\n    class Params:\n        width: int = 3")),
    "model-default": ("model", "parameter-default", "the default of width is 0",
                      but(MODEL, "Params = NoParams", "@dataclass(frozen=True)\n    class Params:\n"
                                                      "        width: int = param(0, low=1)")),
    "model-type": ("model", "parameter-default", "the default of width is \"three\"",
                   but(MODEL, "Params = NoParams", "@dataclass(frozen=True)\n    class Params:\n"
                                                   "        width: int = param('three')")),
    "model-required": ("model", "no-example", "it has no default for width",
                       but(MODEL, "Params = NoParams", "@dataclass(frozen=True)\n    class Params:\n"
                                                       "        width: int = param(low=1)")),
    "model-random": ("model", "global-random", "build draws from the random numbers",
                     but(MODEL, "        self.last =", "        np.random.normal()\n        self.last =")),
    "model-numpy": ("model", "not-traceable", "compiled it raised TraceError",
                    but(MODEL, "        x = pt.reshape", "        if np.asarray(x).max() > 99:\n            x = x * 0\n"
                                                         "        x = pt.reshape")),
    "model-dropout": ("model", "not-repeatable", "two calls in evaluation mode give different answers",
                      but(MODEL, "(x.shape[0], -1))",
                          "(x.shape[0], -1))\n        x = x + pt.random.normal(size=tuple(x.shape))")),
    "model-no-build": ("model", "protocol", "has no build", HEAD + "class it(Model):\n    pass\n"),
    "model-no-class": ("model", "protocol", "is no class", "it = 3\n"),
    "model-other": ("model", "not-a-module", "build gave a dict",
                    but(MODEL, "return cls(math.prod(inputs.shape), inputs.outputs)", "return {}")),
    "model-section": ("model", "not-a-section", "sections gave a str; expected powertrain.data.Section objects",
                      MODEL + "\n    def sections(self, dataset):\n        return ['words']\n"),
    "host-picture": ("model", "raises", "the picture of the section 'Means' raised TypeError",
                     HOST + "\n    def sections_of(self, state, dataset):\n"
                     "        from powertrain.plugin import Section\n"
                     "        return [Section('Means', draw=lambda: None)]\n"),
    "host-writes": ("model", "writes-input", "fit changes the rows that it is given",
                    but(HOST, "rows = train", "train['x'] *= 2; rows = train")),
    "host-pickle": ("model", "state", "dump gave a pickle, which can run code",
                    but(HOST, "json.dumps(state).encode()", "pickle.dumps(state)").replace(
                        "json.loads(data)", "pickle.loads(data)").replace("import json", "import pickle")),
    "host-loses": ("model", "state", "what load makes of the bytes of dump answers otherwise",
                   but(HOST, "json.dumps(state)", "json.dumps([[0.0] * len(one) for one in state])")),
    "host-self": ("model", "state-on-self", "changes means of the model",
                  but(HOST, "return means", "self.means = means; return means")),
    "host-mixed": ("model", "examples-mixed", "depends on the others in its batch",
                   but(HOST, "rows = x.reshape(len(x), -1)", "rows = x.reshape(len(x), -1) - x.mean()")),
    "host-random": ("model", "global-random", "fit draws from the random numbers",
                    but(HOST, "return means", "np.random.rand(); return means")),
    "host-shape": ("model", "output-shape", "the answer to 5 examples of classification is [3, 5]",
                   but(HOST, "axis=2)", "axis=2).T")),
    "metric-average": ("metric", "not-mergeable", "two halves merged give",
                       but(METRIC, "return a + b", "return (a / a[1] + b / b[1]) / 2 if a[1] and b[1] else a + b")),
    "metric-self": ("metric", "state-on-self", "measure changes total of the metric",
                    but(METRIC, "        return np.array",
                        "        self.total = 1 + getattr(self, 'total', 0)\n        return np.array")),
    "metric-padding": ("metric", "padding-counts", "with rows of weight 0", METRIC.replace("weight * right", "right")
                       .replace("np.sum(weight)", "len(target)")),
    "metric-in-place": ("metric", "metric-changes-state", "merged changes the state",
                        but(METRIC, "return a + b", "a += b; return a")),
    "metric-list": ("metric", "metric-state", "zero gave a list",
                    but(METRIC, "return np.zeros(2)", "return [0.0, 0.0]")),
    "data-length": ("data", "length-lies", "len of train is 41", but(DATA, "return 40", "return 41")),
    "data-short": ("data", "length-lies", "rows of train were asked for, and x has",
                   but(DATA, "fetch(self, rows):", "fetch(self, rows):\n        rows = rows[rows < 30]\n       ")),
    "data-position": ("data", "not-repeatable", "twice gives different x",
                      but(but(DATA, "self.x, self.y =", "self.at = 0; self.x, self.y ="), "def fetch(self, rows):",
                          "def fetch(self, rows):\n        self.at += len(rows); "
                          "rows = np.arange(self.at, self.at + len(rows)) % 40\n       ")),
    "data-order": ("data", "no-random-access", "depends on the other rows that are asked for",
                   but(DATA, "fetch(self, rows):", "fetch(self, rows):\n        rows = np.sort(rows)\n       ")),
    "data-random": ("data", "global-random", "fetch draws from the random numbers",
                    but(DATA, "self.x[rows].astype", "(self.x[rows] + np.random.rand()).astype")),
    "data-outputs": ("data", "outputs", "targets of train run from 0 to 2", but(DATA, "}, 3)", "}, 2)")),
    "data-nan": ("data", "not-finite", "x of train has values that are not finite",
                 but(DATA, "self.x[rows].astype", "np.where(self.x[rows] == 4, np.nan, self.x[rows]).astype")),
    "data-fields": ("data", "fields", "train has no y", but(DATA, '"y":', '"label":')),
    "data-none": ("data", "not-a-dataset", "build gave NoneType",
                  but(DATA, "return DataModule(", "DataModule(")),
    "transform-by-row": ("transform", "examples-mixed", "by_row is true, and examples come out differently",
                         but(TRANSFORM, "def __call__(self, x): return x - self.mean",
                             "by_row = True\n    def __call__(self, x): return x - self.mean + (len(x) > 100)")),
    "transform-scaling": ("transform", "scaling", "its scaling gives other numbers than a call",
                          but(TRANSFORM, "def __call__(self, x): return x - self.mean",
                              "scaling = pt.data.Scaling(0.5)\n    def __call__(self, x): return x - self.mean")),
    "transform-overwrite": ("transform", "overwrite", "overwrite gives other numbers than a call",
                            but(TRANSFORM, "def __call__(self, x): return x - self.mean",
                                "def overwrite(self, x): return np.add(x, self.mean, out=x)\n"
                                "    def __call__(self, x): return x - self.mean")),
    "transform-batch": ("transform", "examples-mixed", "comes out differently alone",
                        but(TRANSFORM, "return x - self.mean", "return x - x.mean(axis=0)")),
    "transform-writes": ("transform", "writes-input", "it changes the array that it is given",
                         but(TRANSFORM, "return x - self.mean", "x -= self.mean; return x")),
    "transform-state": ("transform", "state", "does not make another one behave the same",
                        but(TRANSFORM, 'self.mean = state["mean"]', "pass")),
    "transform-rows": ("transform", "rows", "12 examples become",
                       but(TRANSFORM, "return x - self.mean", "return (x - self.mean).reshape(-1)")),
    "change-global": ("transform", "global-random", "draws",
                      but(CHANGE, "draw.integers(9, x.shape)", "np.random.randint(9, size=x.shape)")),
    "change-overwrite": ("transform", "overwrite", "overwrite gives another batch than change",
                         but(CHANGE, "    def change(", "    def overwrite(self, fields, draw): return fields\n"
                             "    def change(")),
    "change-own-draw": ("transform", "not-repeatable", "the same draw gives two different batches",
                        but(CHANGE, "draw.integers(9, x.shape)", "np.random.default_rng().integers(9, size=x.shape)")),
    "change-writes": ("transform", "writes-input", "it changes the arrays that it is given",
                      but(CHANGE, "return {", "x += 1; return {")),
    "change-shape": ("transform", "rows", "the same shape, since evaluation does not pass",
                     but(CHANGE, "x = fields[\"x\"]", "x = fields[\"x\"][:, 1:]")),
    "change-forms": ("transform", "rows", "batches come out in 2 forms",
                     but(CHANGE, "return {", "x = x.astype(('f4', 'f8')[int(draw.integers(2, (1,))[0])]); return {")),
    "change-counts": ("transform", "not-repeatable", "the same draw gives two different batches",
                      but(CHANGE, "x = fields", "self.n = getattr(self, 'n', 0) + 1; x = self.n + fields")),
    "change-nothing": ("transform", "no-change", "16 batches come out as they went in",
                       but(CHANGE, "x + draw.integers(9, x.shape).astype(x.dtype)", "x")),
    "change-target": ("transform", "rows", "y of [12] becomes [12, 1]",
                      but(CHANGE, '{**fields,', '{**fields, "y": fields["y"][:, None],')),
    "strategy-self": ("strategy", "state-on-self", "round changes count of the strategy",
                      but(STRATEGY, "self.data, 2)", "self.data, 1 + getattr(self, 'count', 0) % 3)\n"
                                                     "        self.count = getattr(self, 'count', 0) + 1")),
    "strategy-late": ("strategy", "late-slot", "round names late",
                      STRATEGY + "        run.slot('late', np.zeros(2))\n"),
    "strategy-random": ("strategy", "global-random", "setup or round draws",
                        but(STRATEGY, "self.data, 2)", "self.data, 1 + int(np.random.rand() < 2))")),
    "strategy-module": ("strategy", "replay", "repeated from the same slots gives another",
                        but(STRATEGY, "class it", "COUNT = [0]\n\nclass it").replace(
                            "self.data, 2)", "self.data, 1 + COUNT[0] % 2)\n        COUNT[0] += 1")),
    "strategy-no-step": ("strategy", "raises", "it has no step; expected that method",
                         HEAD + "class it(Strategy):\n    pass\n"),
    "strategy-field": ("strategy", "import", "FieldError: [it] received a field need, which nothing",
                       but(STRATEGY, "    def round", "    need = ('model',)\n\n    def round")),
    "callback-method": ("callback", "import", "FieldError: [it] received a method after_comit, which",
                        but(CALLBACK, "def after_commit", "def after_comit")),
    "model-base": ("model", "protocol", "does not derive from powertrain.plugin.Model",
                   but(MODEL, "class it(Model)", "class it(pt.nn.Module)")),
    "loss-field": ("loss", "protocol", "received a field probabilites, which nothing reads",
                   loss("return F.cross_entropy(output, target, reduction='none')") + "it.probabilites = True\n"),
    "optimizer-sign": ("optimizer", "does-not-descend", "updates on a bowl take the loss from",
                       but(OPTIMIZER, "p - scalars", "p + scalars")),
    "optimizer-hidden": ("optimizer", "resume", "takes another step",
                         but(OPTIMIZER, "return p - scalars[\"rate\"] * g, {}",
                             "self.m = getattr(self, 'm', None) or pt.Slot(pt.zeros(tuple(p.shape)), 'm')\n"
                             "        self.m.value = self.m.value * 0.9 + g\n"
                             "        return p - scalars['rate'] * self.m.value, {}")),
    "schedule-end": ("schedule", "schedule-value", "the factor at update 21 of 20 is",
                     HEAD + "def it(step, total):\n    return 1.0 - pt.astype(step, 'float32') / total\n"),
    "callback-answer": ("callback", "request", "it answered str",
                        but(CALLBACK, 'Stop(f"{self.seen}") if self.seen > 4 else None', '"stop"')),
    "callback-forgets": ("callback", "state-on-self", "after a resume it answers otherwise",
                         CALLBACK[: CALLBACK.index("    def state")]),
    "env-unseeded": ("env", "not-repeatable", "give another episode", but(ENV, "Philox(seed)", "Philox()")),
    "env-shape": ("env", "observation", "reset gives an observation [1]", but(ENV, "np.zeros(1,", "np.zeros(2,")),
}  # fmt: skip

# These end, or never end, the process that they are in.
LETHAL: dict[str, tuple[str, str, str, str]] = {
    "crash": ("model", "crash", "it crashed with SIGSEGV at crash.py:",
              but(MODEL, "return cls(math", "import ctypes; ctypes.string_at(0)\n        return cls(math")),
    "hang": ("model", "hang", "it used more than",
             but(MODEL, "return cls(math", "while True: pass\n        return cls(math")),
    "prints": ("loss", "prints", "it printed more than 1 MiB", loss("print('x' * 5_000_000)\n    return output")),
    "sys-exit": ("loss", "exit", "it called sys.exit(4)", loss("import sys; sys.exit(4)")),
    "os-exit": ("loss", "exit", "it ended its process with code 0", loss("import os; os._exit(0)")),
    "mlp": ("model", "name-clash", "the model mlp is also offered by powertrain", MODEL),
    "no-such-group": ("modell", "group", "is in the group powertrain.v1.modell, which nothing reads; expected ", MODEL),
}  # fmt: skip
RIGHT = {
    "model": MODEL, "metric": METRIC, "data": DATA, "transform": TRANSFORM, "strategy": STRATEGY,
    "optimizer": OPTIMIZER, "env": ENV, "callback": CALLBACK,
    "loss": loss("return F.cross_entropy(output, target, reduction='none')"),
    "random-transform": CHANGE,
}  # fmt: skip
