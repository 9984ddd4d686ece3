"""Plugins whose fault a person would notice after hours, if at all: they train, and what comes out is wrong.

As in wrong_plugins: (group, the code of the finding, what its text must say, the source). The classes of fault are
those of the table in docs/plugins/check.md."""

from __future__ import annotations

from wrong_plugins import (
    CALLBACK,
    CHANGE,
    DATA,
    ENV,
    HEAD,
    HOST,
    METRIC,
    MODEL,
    OPTIMIZER,
    STRATEGY,
    TRANSFORM,
    but,
    loss,
)
from wrong_plugins_late import MOMENT, setup_and_round

Rows = dict[str, tuple[str, str, str, str]]
TASK = HEAD + "class it(Task):\n    pass\n"
SCHEDULE = HEAD + "from typing import Annotated\ndef it(step, total, *, low: float = 0.1):\n"
CROSS = "return F.cross_entropy(output, target, reduction='none')"


def with_params(source: str, fields: str) -> str:
    """A plugin with parameters in place of none."""
    lines = "".join(f"        {field}\n" for field in fields.split("; "))
    found = f"    @dataclass(frozen=True)\n    class Params:\n{lines}"
    if "    Params = NoParams\n" in source:
        return but(source, "    Params = NoParams\n", found)
    return but(source, "class it(Metric):\n", f"class it(Metric):\n{found}")


def step_of(body: str, more: str = "") -> str:
    """The supervised strategy with a step of its own."""
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    return f"{STRATEGY}    def step(self, t, batch):\n{lines}{more}"


LOGGED = "t.log('loss', pt.sum(losses * batch.weight), pt.sum(batch.weight))"
UNUSED = "parameter-unused"
NO_EFFECT: Rows = {
    "effect-model": ("model", UNUSED, "the parameter width has no effect",
                     with_params(MODEL, "width: int = param(8, low=1)")),
    "effect-model-kept": ("model", UNUSED, "the parameter width has no effect: results stay the same with 4, 9, 16",
                          but(but(with_params(MODEL, "width: int = param(8, low=1)"),
                                  "cls(math.prod(inputs.shape), inputs.outputs)",
                                  "cls(math.prod(inputs.shape), inputs.outputs, params.width)"),
                              "def __init__(self, features, outputs):",
                              "def __init__(self, features, outputs, width):")),
    "effect-host": ("model", UNUSED, "the parameter depth has no effect: nothing reads it",
                    with_params(HOST, "depth: int = param(3, low=1)").replace(
                        "import NoParams", "import NoParams, param\nfrom dataclasses import dataclass")),
    "effect-loss": ("loss", UNUSED, "the parameter gamma has no effect: results stay the same with",
                    loss(CROSS, "def it(output, target, *, gamma: float = 2.0):")),
    "effect-data": ("data", UNUSED, "the parameter noise has no effect: nothing reads it",
                    with_params(DATA, "noise: float = param(0.1, low=0)")),
    "effect-transform": ("transform", UNUSED, "the parameter strength has no effect",
                         with_params(TRANSFORM, "strength: float = param(0.5, low=0)")),
    "effect-change": ("transform", UNUSED, "the parameter share has no effect: results stay the same with 0.25",
                      but(with_params(CHANGE, "share: float = param(0.5, low=0)"), "return cls()",
                          "return cls(params)")),
    "effect-env": ("env", UNUSED, "the parameter wind has no effect",
                   with_params(ENV, "wind: float = param(0.0)")),
    "effect-strategy": ("strategy", UNUSED, "the parameter noise has no effect: nothing reads it",
                        but(STRATEGY, "    def round", "    @dataclass(frozen=True)\n    class Params:\n"
                                                       "        noise: float = param(0.1, low=0)\n\n    def round")
                        .replace("import numpy", "from dataclasses import dataclass\n"
                                                 "from powertrain.plugin import param\nimport numpy", 1)),
    "effect-optimizer": ("optimizer", UNUSED, "the parameter keep has no effect: results stay the same with 0.45",
                         with_params(OPTIMIZER, "keep: float = param(0.9, low=0, below=1)")),
    "effect-schedule": ("schedule", UNUSED, "the parameter low has no effect", SCHEDULE + "    return 0.5\n"),
    "effect-metric": ("metric", UNUSED, "the parameter threshold has no effect",
                      with_params(METRIC, "threshold: float = param(0.5)")),
    "effect-callback": ("callback", UNUSED, "the parameter patience has no effect",
                        but(with_params(CALLBACK, "patience: int = param(3, low=1)"), "self.seen = 0",
                            "self.seen = 0; self.patience = params.patience")),
    "effect-task": ("task", UNUSED, "the parameter margin has no effect: nothing reads it",
                    but(TASK, "    pass\n", "    @dataclass(frozen=True)\n    class Params:\n"
                                            "        margin: float = param(0.1)\n")),
}  # fmt: skip
TRAINING: Rows = {
    "optimizer-rate": ("optimizer", "rate-ignored", "a rate that was halved (optimizer.lr) makes the same updates",
                       but(MOMENT, 'scalars["rate"] * m', "0.01 * m")),
    "optimizer-schedule": ("optimizer", "rate-ignored", "a schedule whose factor is 0.5 makes the same updates",
                           but(MOMENT, 'scalars["rate"] * m', "self.lr * m")),
    "optimizer-rate-of-params": ("optimizer", "rate-ignored", "a rate that was halved",
                                 but(but(with_params(MOMENT, "lr: float = param(0.01, above=0)"), "return cls(module, "
                                         "lr=0.01", "return setattr(cls, 'FIXED', params.lr) or cls(module, "
                                         "lr=params.lr"), 'scalars["rate"] * m', "self.FIXED * m")),
    "optimizer-decay": ("optimizer", "decay-ignored", "with weight_decay = 0.25 in a group it makes the same updates",
                        but(MOMENT, "    DECAYS = False\n", "")),
    "optimizer-group-rate": ("optimizer", "rate-ignored", "with lr of half the rate in a group it makes the same",
                             but(MOMENT, "    def update_flat", "    def scalars(self, step, rate, decay):\n"
                                 "        return {'rate': pt.astype(self.scheduled_lr, 'float32')}\n"
                                 "    def update_flat")),
    "optimizer-maximize": ("optimizer", "settings", "with maximize = True it makes the same updates",
                           but(MOMENT, "    Params", "    def __init__(self, *given, maximize=False, **settings):\n"
                               "        super().__init__(*given, **settings)\n    Params")),
    "optimizer-micro-slot": (
        "optimizer", "micro-batches", "the first of two micro-batches changes optimizer.t",
        MOMENT + "    def named_slots(self):\n        yield from super().named_slots()\n        yield 'optimizer.t', "
                 "self.t\n    def update(self, grads, weight=None):\n        self.t.value = self.t.value + 1.0\n"
                 "        super().update(grads, weight)\n    def __init__(self, *given, **settings):\n"
                 "        super().__init__(*given, **settings)\n"
                 "        self.t = pt.Slot(pt.tensor(0.0), name='optimizer.t')\n"),
    "optimizer-micro-moment": (
        "optimizer", "micro-batches", "the first of two micro-batches changes optimizer.m",
        but(MOMENT, 'return p - scalars["rate"] * m, {"m": m}',
            'self.parts[0].state["m"].value = m\n        return p - scalars["rate"] * m, {}')),
    "optimizer-micro-update": (
        "optimizer", "micro-batches", "the first of two micro-batches changes the weights",
        MOMENT + "    def update(self, grads, weight=None):\n        (g,) = list(grads)\n"
                 "        slot = self.params[0][1]\n        slot.value = slot.value - self.scheduled_lr * g / "
                 "(1.0 if weight is None else weight)\n        self.updates.value = self.updates.value + 1\n"),
    "optimizer-moment": ("optimizer", "protocol", "no update changes m of MOMENTS",
                         but(MOMENT, '{"m": m}', "{}")),
    "optimizer-weight": ("optimizer", "padding-counts", "twice the gradients with weight = 2",
                         MOMENT + "    def update(self, grads, weight=None):\n        super().update(grads)\n"),
    "optimizer-zero": ("optimizer", "not-finite", "an update from gradients of 0 makes the weights",
                       but(but(MOMENT, '("m",)', '("m", "v")'), 'return p - scalars["rate"] * m, {"m": m}',
                           'v = state["v"] * 0.9 + g * g * 0.1\n        return p - scalars["rate"] * m / pt.sqrt(v), '
                           '{"m": m, "v": v}')),
    "optimizer-late": ("optimizer", "not-finite", "update 1,000,000 makes the weights",
                       but(MOMENT, "    def update_flat", "    def scalars(self, step, rate, decay):\n        return "
                           '{"rate": rate * pt.pow(1.001, pt.astype(step, "float32"))}\n    def update_flat')),
    "optimizer-shared": ("optimizer", "shared", "beside another optimizer of its kind it makes other updates",
                         but(MOMENT, "    Params", "    def __init__(self, *given, **settings):\n"
                             "        super().__init__(*given, **settings)\n        state = self.parts[0].state\n"
                             "        state['m'] = KEPT.setdefault('m', state['m'])\n    Params").replace(
                                 "class it", "KEPT = {}\nclass it", 1)),
    "strategy-frozen": ("strategy", "no-change", "every weight that an optimizer has is as it was",
                        step_of("losses = self.loss(pt.stop_gradient(self.model(batch.x)), batch.y)\n"
                                "t.minimize(self.opt, losses + 0.0 * pt.sum(self.model(batch.x)), batch.weight)\n"
                                + LOGGED)),
    "strategy-only-logs": ("strategy", "no-change", "every weight that an optimizer has is as it was",
                           step_of("losses = self.loss(self.model(batch.x), batch.y)\n" + LOGGED)),
    "strategy-copy": (
        "strategy", "no-change", "predict answers as it did before the training",
        STRATEGY.replace("import numpy", "import copy\nimport numpy", 1)
        + "    def setup(self, run):\n        super().setup(run)\n        self.first = copy.deepcopy(self.model)\n"
          "    def predict(self, t, batch):\n        return self.first(batch.x)\n"),
    "strategy-target": ("strategy", "reads-target", "predict answers otherwise where the targets are others",
                        setup_and_round(
                            "run.loop(self.step, self.data, 2)",
                            "    def predict(self, t, batch):\n        made = self.model(batch.x)\n"
                            "        right = pt.nn.functional.one_hot(batch.y, made.shape[-1])\n"
                            "        return made + 5.0 * pt.astype(right, 'float32')\n")),
    "strategy-padding": ("strategy", "padding-counts", "rows of weight 0 change model.",
                         step_of("losses = self.loss(self.model(batch.x), batch.y)\n"
                                 "t.minimize(self.opt, losses)\n" + LOGGED)),
    "strategy-padding-log": ("strategy", "padding-counts", "rows of weight 0 change log.loss",
                             step_of("losses = self.loss(self.model(batch.x), batch.y)\n"
                                     "t.minimize(self.opt, losses, batch.weight)\n"
                                     "t.log('loss', pt.sum(losses), losses.shape[0])")),
    "strategy-log-rows": ("strategy", "padding-counts", "where each example has half the weight, the logged loss is",
                          step_of("losses = self.loss(self.model(batch.x), batch.y)\n"
                                  "t.minimize(self.opt, losses, batch.weight)\n"
                                  "t.log('loss', pt.sum(losses * batch.weight), batch.weight.shape[0])")),
    "strategy-padding-couples": ("strategy", "padding-counts", "rows of weight 0 change model.",
                                 step_of("losses = self.loss(self.model(batch.x), batch.y)\n"
                                         "t.minimize(self.opt, pt.mean(losses), couples=True)\n" + LOGGED)),
    "strategy-unscaled": ("strategy", "loss-scale", "in f16 it updates by gradients that are not those of the scaled",
                          step_of("total = lambda: pt.sum(self.loss(self.model(batch.x), batch.y) * batch.weight)\n"
                                  "losses = self.loss(self.model(batch.x), batch.y)\n"
                                  "_, grads = pt.nn.value_and_grad(self.model, total)()\n"
                                  "self.opt.update(grads, weight=pt.sum(batch.weight))\n" + LOGGED)),
    "strategy-retraces": ("strategy", "leaks", "each round makes a new step function",
                          setup_and_round("run.loop(lambda t, batch: self.step(t, batch), self.data, 2)")),
    "strategy-late-count": (
        "strategy", "state-on-self", "after the same round age of the strategy is 4, and of a resumed run 1",
        setup_and_round("self.age += 1\n        if self.age > 5:\n            self.factor.value = pt.tensor("
                        "np.float32(0.5))\n        run.loop(self.step, self.data, 2)",
                        "    def setup(self, run):\n        super().setup(run)\n        self.age = 0\n"
                        "        self.factor = run.slot('factor', np.ones((), np.float32))\n"
                        "    def step(self, t, batch):\n"
                        "        losses = self.loss(self.model(batch.x), batch.y) * self.factor.value\n"
                        f"        t.minimize(self.opt, losses, batch.weight)\n        {LOGGED}\n")),
    "strategy-clock": ("strategy", "resume", "a resumed run gives another",
                       but(STRATEGY, "self.data, 2)", "self.data, 1 + int(time.time() // LATER) % 2)").replace(
                           "import numpy",
                           "import time\nfrom powertrain.conformance.elsewhere import LATER\nimport numpy", 1)),
}  # fmt: skip
SOLVED = "def it(output, target):"
LOSSES: Rows = {
    "loss-no-target": ("loss", "ignores-target", "other targets give the same losses",
                       loss("return -pt.max(pt.log_softmax(output, axis=-1), axis=-1)")),
    "loss-far-overflow": ("loss", "not-finite", "the loss of outputs around 10,000 is not finite",
                          loss("out = output[..., 0]\n    return pt.log(pt.cosh((out - pt.astype(target, out.dtype)) * "
                               "0.01))")),
    "loss-far-gradient": ("loss", "not-finite", "the gradient of outputs around 100 is not finite",
                          loss("out = output[..., 0]\n    plus = pt.where(out > 60.0, out, pt.log(1.0 + "
                               "pt.exp(out)))\n    return plus - out * pt.astype(target, out.dtype)")),
    "loss-root": ("loss", "not-finite", "the gradient of outputs of 0 is not finite",
                  loss("out = output[..., 0]\n    gap = out - pt.astype(target, out.dtype)\n"
                       "    return pt.sqrt(gap * gap)")),
    "loss-wide": ("loss", "float64", "the loss of float32 outputs of classes is float64",
                  loss("return F.cross_entropy(pt.astype(output, 'float64'), target, reduction='none')")),
    "loss-parameter": ("loss", "not-finite", "with c = 0.0, which it allows, the loss of ordinary outputs",
                       loss("gap = output[..., 0] - pt.astype(target, output.dtype)\n    return pt.square(gap) / c",
                            "def it(output, target, *, c: float = 1.0):")),
    "loss-leak": ("loss", "leaks", "32 times the loss with the same inputs leave",
                  but(loss("SEEN.append(output)\n    " + CROSS), SOLVED, "SEEN = []\n" + SOLVED)),
    "loss-bad-error": ("loss", "bad-error", "with gamma = 1.0, which it allows, it raised ZeroDivisionError",
                       loss(f"far = 1 / (gamma - 1)\n    {CROSS} ".replace("return ", "return far * 0 + gamma * "),
                            "def it(output, target, *, gamma: Annotated[float, Range(low=1)] = 2.0):").replace(
                                SOLVED, "from typing import Annotated\n" + SOLVED, 1)),
    "loss-clock": ("loss", "not-repeatable", "two calls with the same inputs give different losses",
                   but(loss("each = F.cross_entropy(output, target, reduction='none')\n    "
                            "return each * (1 + int(time.time()) // 100_000 % 7)"), SOLVED, "import time\n" + SOLVED)),
    "loss-folder": ("loss", "not-repeatable", "two calls with the same inputs give different losses",
                    but(loss("return F.cross_entropy(output, target, reduction='none') * (1 + len(str(Path.cwd())))"),
                        SOLVED, "from pathlib import Path\n" + SOLVED)),
}  # fmt: skip
PER_CLASS = (
    HEAD
    + """
class it(Metric):
    def measure(self, prediction, target, weight=None):
        count = prediction.shape[1]
        right = weight * (prediction.argmax(axis=1) == target)
        return np.stack([np.bincount(target, right, count), np.bincount(target, weight, count)])
    def result(self, state):
        return float(np.mean(state[0] / np.maximum(state[1], 1)))
"""
)
METRICS: Rows = {
    "metric-fractions": ("metric", "fractional-weights", "one example as two of weight 0.5 gives",
                         METRIC.replace("weight * right", "(weight > 0) * right").replace(
                             "np.sum(weight)", "np.sum(weight > 0)")),
    "metric-no-zero": ("metric", "metric-state",
                       "the state of 12 examples is [2, 3], and zero() gives [2], which merged does", PER_CLASS),
    "metric-result-of-task": ("metric", "raises", "result of 12 examples (classes) raised",
                              but(PER_CLASS, "    def measure", "    def zero(self): return np.zeros(())\n"
                                  "    def measure").replace("state[1]", "state[:, 2]")),
    "metric-float32": ("metric", "not-mergeable", "sum in float64",
                       METRIC.replace("np.sum(weight * right)", "np.sum(weight * prediction[:, 0], dtype='f4')")),
    "metric-heavy": ("metric", "fractional-weights", "",
                     METRIC.replace("weight * right", "np.minimum(weight, 1) * right").replace(
                         "np.sum(weight)", "np.sum(np.minimum(weight, 1))")),
    "metric-order": ("metric", "examples-mixed", "in another order the same examples give",
                     METRIC.replace("weight * right", "weight * right * (np.arange(len(weight))[::-1] % 7 != 3)")),
    "metric-shared": ("metric", "shared", "beside another one that measures too",
                      METRIC.replace("def zero(self): return np.zeros(2)", "SUM = np.zeros(2)\n"
                                     "    def zero(self): return np.zeros(2)")
                      + "    def update(self, prediction, target, weight):\n"
                        "        self.SUM[:] = self.SUM + self.measure(prediction, target, weight)\n"
                        "    def compute(self): return self.result(self.SUM)\n"),
    "metric-leak": ("metric", "leaks", "32 times measure with the same inputs leave",
                    but(METRIC, "        right =", "        KEPT.append(prediction.copy())\n        right =").replace(
                        "class it", "KEPT = []\nclass it", 1)),
    "metric-bad-error": ("metric", "bad-error", "with power = 0.0, which it allows, it raised ZeroDivisionError",
                         but(with_params(METRIC, "power: float = param(1.0, low=0)"), "float(state[0]",
                             "1 / self.params.power * float(state[0]")),
    "metric-clock": ("metric", "not-repeatable", "at another time, in another folder",
                     but(METRIC, "return float(state[0]",
                         "return float(time.time() // 1_000_000) + float(state[0]").replace(
                             "import numpy", "import time\nimport numpy", 1)),
}  # fmt: skip
LONG = but(
    but(DATA, "np.arange(80.0).reshape(40, 2), np.arange(40) % 3", "np.ones((9001, 2)), np.arange(9001) % 3"),
    "return 40",
    "return 9001",
)
WORDS = "WORDS = {'ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op'}\nclass Source"
DATASETS: Rows = {
    "data-far-nan": ("data", "not-finite", "x of train has values that are not finite in rows 7,680 to 7,935",
                     but(LONG, "np.ones((9001, 2))", "np.where(np.arange(9001) == 7777, np.nan, 1.0)[:, None] * "
                                                     "np.ones((9001, 2))")),
    "data-late-nan": ("data", "not-finite", "build raised [arrays x] NaN in row 3000; expected finite numbers",
                      but(DATA, '{"train": Source()}', '{"train": ArrayDataset(x=np.where(np.arange(3001) == 3000, '
                                                       'np.nan, 1.0), y=np.arange(3001) % 3)}')),
    "data-far-target": ("data", "outputs", "targets of train run from 0 to 7 in rows 7,680 to 7,935",
                        but(LONG, "np.arange(9001) % 3", "np.where(np.arange(9001) == 7777, 7, np.arange(9001) % 3)")),
    "data-far-raises": ("data", "raises", "fetching rows 7,680 to 7,935 of train raised",
                        but(LONG, "def fetch(self, rows):", "def fetch(self, rows):\n"
                            "        if (rows == 7777).any(): raise RuntimeError('torn')\n       ")),
    "data-far-dtype": ("data", "fields", "y of rows 7,680 to 7,935 of train is float64[256]",
                       but(LONG, '"y": self.y[rows]', '"y": self.y[rows] * (1.0 if (rows == 7777).any() else 1)')),
    "data-writes-rows": ("data", "writes-input", "fetch changes the row numbers that it is given",
                         but(DATA, "def fetch(self, rows):", "def fetch(self, rows):\n        rows.sort()\n       ")),
    "data-leak": ("data", "leaks", "32 times fetch of train with the same inputs leave",
                  but(DATA, "def fetch(self, rows):", "def fetch(self, rows):\n        KEPT.append(rows.copy())\n"
                                                      "       ").replace("class Source", "KEPT = []\nclass Source", 1)),
    "data-shared": ("data", "shared", "its rows change when the data set is built once more",
                    but(DATA, "def __init__(self): self.x", "X = np.zeros((40, 2))\n    def __init__(self): self.X += "
                        "np.arange(80.0).reshape(40, 2); self.x, self.y = self.X, np.arange(40) % 3\n"
                        "    def _old(self): self.x")),
    "data-clock": ("data", "not-repeatable", "at another time, in another folder",
                   but(DATA, "np.arange(80.0)", "datetime.now().toordinal() + np.arange(80.0)").replace(
                       "import numpy", "from datetime import datetime\nimport numpy", 1)),
    "data-folder": ("data", "not-repeatable", "at another time, in another folder",
                    but(DATA, "np.arange(80.0)", "len(os.getcwd()) + np.arange(80.0)").replace(
                        "import numpy", "import os\nimport numpy", 1)),
    "data-parts-overlap": ("data", "parts-overlap", "100% of the rows of test are rows of train too",
                           but(DATA, '{"train": Source()}', 'dict.fromkeys(("train", "test"), ArrayDataset(x=np.eye('
                                                            '40, dtype=np.float32), y=np.arange(40) % 3))')),
    "data-reader-lost": ("data", "not-reopened", "the data set has read, and what reopen gives has not",
                         but(DATA, "}, 3)", "}, 3, read=lambda given, count: iter([]))")),
    "data-stream-ends": ("data", "not-repeatable", "iterated again, the stream gives nothing",
                         HEAD + "class Lines:\n    def __init__(self): self.rows = ((np.ones(2, 'f4'), n % 3) for n in "
                                "range(50))\n    def __iter__(self): return self.rows\n"
                         + but(DATA, '{"train": Source()}', '{"train": Lines()}')),
    "data-stream-draws": ("data", "not-repeatable", "the stream gives 50 examples that are others than before",
                          HEAD + "DRAW = np.random.default_rng(3)\nclass Lines:\n    def __iter__(self):\n        for "
                                 "n in range(50): yield DRAW.normal(size=2).astype('f4'), n % 3\n"
                          + but(DATA, '{"train": Source()}', '{"train": Lines()}')),
    "data-set-order": ("data", "not-repeatable", "another process builds other rows or labels of it",
                       but(but(DATA, "class Source", WORDS), "}, 3)", "}, 8, tuple(WORDS))")),
}  # fmt: skip
OTHERS: Rows = {
    "model-shared": ("model", "shared", "when the weights of another one change",
                     but(but(MODEL, "self.last = pt.nn.Linear(8, outputs)", "self.last = LAST.setdefault(outputs, "
                             "pt.nn.Linear(8, outputs))"), "class it", "LAST = {}\nclass it")),
    "model-not-saved": ("model", "not-saved", "with the same slots answers otherwise",
                        but(but(MODEL, "        self.last =", "        self.mask = pt.random.normal(size=(8,))"
                                ".numpy()\n        self.last ="), "pt.tanh(self.first(x))", "pt.tanh(self.first(x)) * "
                                                                                  "pt.asarray(self.mask)")),
    "model-wide": ("model", "float64", "the answer to float32 examples of classification is float64",
                   but(MODEL, "return self.last(pt.tanh(self.first(x)))",
                       "return pt.astype(self.last(pt.tanh(self.first(x))), 'float64') * 1.0")),
    "model-leak": ("model", "leaks", "32 times the model with the same inputs leave",
                   but(but(MODEL, "class it", "KEPT = []\nclass it"), "        x = pt.reshape",
                       "        KEPT.append(x)\n        x = pt.reshape")),
    "model-clock": ("model", "not-repeatable", "two calls in evaluation mode give different answers",
                    but(MODEL, "(x.shape[0], -1))", "(x.shape[0], -1)) * (1 + int(time.time()) // 100_000 % 5)")
                    .replace("import math", "import math, time", 1)),
    "model-bad-error": ("model", "bad-error", "with width = 1, which it allows, it raised ZeroDivisionError",
                        but(with_params(MODEL, "width: int = param(2, low=1)"), "return cls(math",
                            "inputs.outputs // (params.width - 1)\n        return cls(math")),
    "host-answer-writes": ("model", "writes-input", "answer changes the rows that it is given",
                           but(HOST, "rows = x.reshape", "x *= 2; rows = x.reshape")),
    "host-shared": ("model", "shared", "what one fit learned answers otherwise after another fit",
                    but(HOST, "return means", "MEANS[:] = means; return MEANS").replace(
                        "class it", "MEANS = []\nclass it", 1)),
    "transform-shared": ("transform", "shared", "it gives other results after another one was fitted",
                         but(TRANSFORM, "def __init__(self, mean): self.mean = mean",
                             "def __init__(self, mean): type(self)._MEAN = mean").replace(
                                 "self.mean}", "self._MEAN}").replace("x - self.mean", "x - self._MEAN").replace(
                                 'self.mean = state["mean"]', 'type(self)._MEAN = state["mean"]')),
    "transform-clock": ("transform", "not-repeatable", "two calls give different results",
                        but(TRANSFORM, "x - self.mean", "x - self.mean + int(time.time()) // 100_000 % 5").replace(
                            "import numpy", "import time\nimport numpy", 1)),
    "transform-leak": ("transform", "leaks", "32 times the transform with the same inputs leave",
                       but(TRANSFORM, "return x - self.mean", "KEPT.append(x - self.mean); return KEPT[-1]").replace(
                           "class it", "KEPT = []\nclass it", 1)),
    "change-wide": ("transform", "rows", "x of float32 becomes float64",
                    but(CHANGE, "draw.integers(9, x.shape).astype(x.dtype)", "draw.integers(9, x.shape) * 0.5")),
    "change-leak": ("transform", "leaks", "32 times change with the same inputs leave",
                    but(CHANGE, 'x = fields["x"]', 'x = fields["x"]; KEPT.append(x[:1].copy())').replace(
                        "class it", "KEPT = []\nclass it", 1)),
    "change-bad-error": ("transform", "bad-error", "with strength = 0.0, which it allows, it raised ZeroDivisionError",
                         but(but(with_params(CHANGE, "strength: float = param(0.5, low=0)"), "return cls()",
                                 "return cls(params)"), "x + draw", "x + int(1 / self.params.strength) * draw")),
    "env-shared": ("env", "shared", "beside another one that is played too",
                   but(ENV, "self.draw, self.at = np.random.Generator(np.random.Philox(seed)), 0.0",
                       "type(self)._draw, self.at = np.random.Generator(np.random.Philox(seed)), 0.0").replace(
                           "self.draw.random", "self._draw.random")),
    "env-clock": ("env", "not-repeatable", "the same seed and actions give another episode",
                  but(ENV, "1.0, self.at", "time.time() // 100_000, self.at").replace(
                      "import numpy", "import time\nimport numpy", 1)),
    "env-far-nan": ("env", "not-finite", "an observation is not finite",
                    but(ENV, "self.at > 9", "False").replace("np.float32([self.at]), 1.0",
                                                           "np.float32([np.sqrt(90 - self.at)]), 1.0").replace(
                                                               "import numpy as np", "import numpy as np\n"
                                                               "np.seterr(all='ignore')", 1)),
    "env-leak": ("env", "leaks", "32 times an episode with the same inputs leave",
                 but(ENV, "self.at += action", "KEPT.append(object()); self.at += action").replace(
                     "class it", "KEPT = []\nclass it", 1)),
    "schedule-one": ("schedule", "raises", "update 0 of 1 raised ZeroDivisionError",
                     SCHEDULE + "    return pt.maximum(1.0 - pt.astype(step, 'float32') * (1 / (total - 1)), low)\n"),
    "schedule-far": ("schedule", "schedule-value", "the factor at update 9,999,999 of 10,000,000 is",
                     SCHEDULE + "    left = 10_000_000 - 0.5 - pt.astype(step, 'float64')\n"
                                "    return pt.astype(pt.sqrt(left - 1.0), 'float32') * (1.0 + low)\n"),
    "schedule-leak": ("schedule", "leaks", "32 times the schedule with the same inputs leave",
                      SCHEDULE.replace("def it", "KEPT = []\ndef it") + "    KEPT.append(object())\n"
                                       "    return low + pt.astype(step, 'float32') * 0.0\n"),
    "schedule-bad-error": ("schedule", "bad-error", "with low = 0.0, which it allows, it raised ZeroDivisionError",
                           SCHEDULE.replace("low: float = 0.1", "low: Annotated[float, Range(low=0)] = 0.1")
                           + "    return 1 / low * 0.01 + pt.astype(step, 'float32') * 0.0\n"),
    "optimizer-bad-error": ("optimizer", "bad-error", "with keep = 0.0, which it allows, it raised ZeroDivisionError",
                            but(with_params(OPTIMIZER, "keep: float = param(0.9, low=0, below=1)"),
                                "return cls(module, lr=0.01", "return cls(module, lr=0.01 / params.keep")),
    "env-bad-error": ("env", "bad-error", "with wind = 0.0, which it allows, it raised ZeroDivisionError",
                      but(but(with_params(ENV, "wind: float = param(1.0, low=0)"), "def __init__(self, params): pass",
                              "def __init__(self, params): self.wind = params.wind"), "self.draw.random()",
                          "self.draw.random() / self.wind")),
    "callback-bad-error": ("callback", "bad-error", "with every = 0, which it allows, it raised ZeroDivisionError",
                           but(with_params(CALLBACK, "every: int = param(2, low=0)"), "self.seen = 0",
                               "self.seen = 0; self.every = params.every").replace(
                                   "if self.seen > 4", "if self.seen % self.every == 0")),
    "callback-writes": ("callback", "writes-input", "it changes the event that it is shown",
                        but(CALLBACK, "self.seen += 1", "self.seen += 1; event.progress['seen'] = self.seen")),
    "schedule-clock": ("schedule", "not-repeatable", "asked again, the factor at update 0 is",
                       SCHEDULE + "    import time\n    return low + time.time() // 100_000 % 7\n"),
    "callback-clock": ("callback", "not-repeatable", "another one that sees the same events answers otherwise",
                       but(CALLBACK, 'Stop(f"{self.seen}")', 'Stop(f"{self.seen} {time.strftime("%d %m")}")').replace(
                           "import numpy", "import time\nimport numpy", 1).replace(
                               'time.strftime("%d %m")', "int(time.time()) // 100_000")),
    "task-writes": ("task", "writes-input", "answer changes the array that it is given",
                    TASK + "    def answer(self, dataset, output):\n        output -= output.max()\n"
                           "        return {'value': output.tolist()}\n"),
    "task-clock": ("task", "not-repeatable", "asked again, it says something else of the same output",
                   TASK + "    def answer(self, dataset, output):\n        import time\n"
                          "        return {'at': time.time() // 100_000}\n"),
}  # fmt: skip
SILENT: Rows = {**NO_EFFECT, **TRAINING, **LOSSES, **METRICS, **DATASETS, **OTHERS}
