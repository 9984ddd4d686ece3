"""Plugins that are unusual, and right: (group, the source). The check finds nothing in any of them."""

from __future__ import annotations

HEAD = """
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
import numpy as np
import powertrain as pt
from powertrain.data import ArrayDataset, DataModule, IterableDataset
from powertrain.optim.optimizer import Optimizer
from powertrain.plugin import *
"""
LACKING = '''
class it(Model):
    """What it needs is not installed here."""
    Params = NoParams
    @classmethod
    def build(cls, params, inputs):
        try:
            import no_such_library
        except ImportError as error:
            raise ValueError(f"[it] not imported ({error}); expected it; pip install no-such-library") from None
'''
# What it writes to refuses: said in Powertrain's form it is no fault of the plugin, raised raw it is.
REFUSED = """
class it(Callback):
    Params = NoParams
    def after_commit(self, event): pass
    def on_start(self, start): raise ERROR("[it] received no account; expected one; log in")
"""
UNUSUAL: dict[str, tuple[str, str]] = {
    "model-sequential": ("model", HEAD + '''
class it(Model):
    Params = NoParams
    @classmethod
    def build(cls, params, inputs):
        if inputs.task == "language": raise ValueError("[it] a text; expected numbers; choose another")
        first = [pt.nn.Flatten(), pt.nn.Linear(math.prod(inputs.shape), 16), pt.nn.BatchNorm1d(16), pt.nn.ReLU()]
        return pt.nn.Sequential(*first, pt.nn.Dropout(0.3), pt.nn.Linear(16, inputs.outputs))
'''),
    "model-of-places": ("model", HEAD + '''
class it(Model):
    """A score of each label at each place, for a task that the engine does not have."""
    Params = NoParams
    example_inputs = (Inputs("a-task-of-mine", (6,), 3),)
    @classmethod
    def build(cls, params, inputs):
        return cls(inputs.outputs)
    def __init__(self, outputs):
        super().__init__()
        self.head = pt.nn.Linear(1, outputs)
    def forward(self, x):
        return self.head(pt.expand_dims(x, 2))
'''),
    "model-tied": ("model", HEAD + '''
class it(Model):
    strategy = "next_token"
    Params = NoParams
    def __init__(self, tokens):
        super().__init__()
        self.table = pt.nn.Embedding(tokens, 8, std=0.1)
    @classmethod
    def build(cls, params, inputs):
        if inputs.task != "language": raise ValueError("[it] no text; expected one; choose another")
        return cls(inputs.outputs)
    def forward(self, x): return pt.matmul(self.table(x), pt.permute_dims(self.table.weight.value, (1, 0)))
'''),
    "model-frozen-part": ("model", HEAD + '''
class it(Model):
    Params = NoParams
    def __init__(self, features, outputs):
        super().__init__()
        self.first = pt.nn.Linear(features, 8)
        self.last = pt.nn.Linear(8, outputs)
        self.extra()
    def extra(self):
        for slot in self.first.parameters(): slot.trainable = False
    @classmethod
    def build(cls, params, inputs):
        if inputs.task == "language": raise ValueError("[it] a text; expected numbers; choose another")
        return cls(math.prod(inputs.shape), inputs.outputs)
    def forward(self, x):
        return self.last(self.middle(pt.tanh(self.first(pt.reshape(x, (x.shape[0], -1))))))
    def middle(self, x): return x
'''),
    "loss-asymmetric": ("loss", HEAD + '''
def it(output, target, *, under: Annotated[float, Range(above=0)] = 2.0):
    """Pinball-like; refuses classes."""
    if output.ndim != 2 or output.shape[1] != 1: raise ValueError("[it] several outputs; expected one; use mse")
    gap = pt.astype(pt.reshape(target, (-1,)), output.dtype) - output[:, 0]
    return pt.where(gap > 0, under * gap, -gap)
'''),
    "loss-stops-on-purpose": ("loss", HEAD + '''
def it(output, target):
    p = pt.stop_gradient(pt.softmax(output, axis=-1))
    return pt.nn.functional.cross_entropy(output, target, reduction='none') * (1.0 - pt.max(p, axis=-1) * 0.5)
it.exact_gradient = False
'''),
    "loss-poisson": ("loss", HEAD + '''
def it(output, target):
    """Of counts, by the logarithm of a rate: e^300 is no number in float32."""
    if output.ndim != 2 or output.shape[1] != 1: raise ValueError("[it] several outputs; expected one; use mse")
    rate = output[:, 0]
    return pt.exp(rate) - pt.reshape(pt.astype(target, output.dtype), (-1,)) * rate
'''),
    "loss-amounts": ("loss", HEAD + '''
def it(output, target):
    """Of prices: the logarithm of what is not 0 or less, which it refuses otherwise."""
    if output.ndim != 2 or output.shape[1] != 1: raise ValueError("[it] several outputs; expected one; use mse")
    wanted = pt.reshape(target, (-1,))
    return pt.square(output[:, 0] / 100.0 - pt.log(pt.astype(wanted, output.dtype)))
'''),
    "metric-distinct": ("metric", HEAD + '''
class it(Metric):
    """How many classes are ever answered: no weight changes it, but 0."""
    tasks = ("classification",)
    def zero(self): return np.zeros(16)
    def measure(self, prediction, target, weight):
        if prediction.ndim != 2: raise ValueError("[distinct] no logits; expected some; choose another")
        made = self.zero()
        made[prediction.argmax(axis=1)[weight > 0]] = 1
        return made
    def merged(self, a, b): return np.maximum(a, b)
    def result(self, state): return float(state.sum())
'''),
    "model-in-blocks": ("model", HEAD + '''
class it(Model):
    """A parameter that changes memory alone."""
    @dataclass(frozen=True)
    class Params:
        width: int = param(8, low=1)
        blocks: int = param(2, low=1, results=False, doc="pieces in which an example is seen")
    def __init__(self, params, features, outputs):
        super().__init__()
        self.first, self.last = pt.nn.Linear(features, params.width), pt.nn.Linear(params.width, outputs)
        self.blocks = params.blocks
    @classmethod
    def build(cls, params, inputs):
        if inputs.task == "language": raise ValueError("[it] a text; expected numbers; choose another")
        return cls(params, math.prod(inputs.shape), inputs.outputs)
    def forward(self, x): return self.last(pt.tanh(self.first(pt.reshape(x, (x.shape[0], -1)))))
'''),
    "metric-f1": ("metric", HEAD + '''
class it(Metric):
    """Macro F1 from a confusion matrix."""
    tasks = ("classification",)
    @dataclass(frozen=True)
    class Params:
        classes: int = param(10, low=2, doc="how many")
    def zero(self): return np.zeros((self.params.classes,) * 2)
    def measure(self, prediction, target, weight):
        if prediction.ndim != 2 or target.dtype.kind not in "iu":
            raise ValueError("[f1] no classes; expected some; choose another")
        made = self.zero()
        np.add.at(made, (target, prediction.argmax(axis=1)), weight)
        return made
    def result(self, state):
        both = state.sum(axis=0) + state.sum(axis=1)
        f = 2 * np.diag(state) / np.where(both > 0, both, 1)
        return float(f[both > 0].mean()) if both.any() else float("nan")
'''),
    "metric-max-error": ("metric", HEAD + '''
class it(Metric):
    """The largest error: merges by max."""
    tasks = ("regression",)
    def zero(self): return np.full(1, -np.inf)
    def measure(self, prediction, target, weight):
        if target.dtype.kind != "f": raise ValueError("[max-error] classes; expected values; choose another")
        gap = np.abs(prediction.reshape(len(target), -1) - target.reshape(len(target), -1)).max(axis=1)
        return np.array([np.max(np.where(weight > 0, gap, -np.inf), initial=-np.inf)])
    def merged(self, a, b): return np.maximum(a, b)
    def result(self, state): return float(state[0])
'''),
    "data-memmap": ("data", HEAD + '''
class Source:
    def __init__(self, path): self.path, self.y = path, np.arange(50, dtype=np.float32)
    def __len__(self): return 50
    def fetch(self, rows):
        x = np.memmap(self.path, "f2", "r", shape=(50, 3))
        y = np.stack([self.y[rows], -self.y[rows]], axis=1)
        return {"x": np.asarray(x[rows]), "y": y, "weight": np.ones(len(rows), "f4")}
class it(Data):
    Params = NoParams
    @classmethod
    def build(cls, params, base):
        path = Path(tempfile.gettempdir()) / "strange.bin"
        np.arange(150, dtype="f2").tofile(path)
        return DataModule("it", "regression", {"train": Source(path)}, 2)
'''),
    "data-stream": ("data", HEAD + '''
class Lines(IterableDataset):
    """Of unknown length, another one in each epoch."""
    def __init__(self): self.epoch = 0
    def set_epoch(self, epoch): self.epoch = epoch
    def __iter__(self):
        draw = np.random.Generator(np.random.Philox(key=[7, self.epoch]))
        for number in range(int(draw.integers(300, 400))):
            y = number % 3
            yield {"x": (draw.normal(size=4) + y).astype("f4"), "y": y}
class it(Data):
    Params = NoParams
    @classmethod
    def build(cls, params, base): return DataModule("it", "classification", {"train": Lines()}, 3)
'''),
    "data-valid-first": ("data", HEAD + '''
class it(Data):
    Params = NoParams
    @classmethod
    def build(cls, params, base):
        x = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
        part = lambda rows: ArrayDataset(x=x[rows], y=np.arange(len(x))[rows] % 2)
        return DataModule("d", "classification", {"valid": part(slice(10)), "train": part(slice(10, 30))}, 2)
'''),
    "data-one-row": ("data", HEAD + '''
class Source:
    def __init__(self, n):
        self.x, self.y = np.random.Generator(np.random.Philox(1)).normal(size=(n, 4)).astype("f4"), np.arange(n) % 3
    def __len__(self): return len(self.x)
    def fetch(self, rows): return {"x": self.x[rows], "y": self.y[rows]}
class it(Data):
    Params = NoParams
    @classmethod
    def build(cls, params, base): return DataModule("it", "classification", {"train": Source(1)}, 3, ("a", "b", "c"))
'''),
    "transform-log": ("transform", HEAD + '''
class it(Transform):
    """Logarithm of what is not negative; nothing is learned."""
    Params = NoParams
    @classmethod
    def build(cls, params, x): return cls()
    def __call__(self, x): return np.log1p(np.maximum(x, 0)).astype(np.float64)
    def state(self): return {}
    def restore(self, state): pass
'''),
    "transform-sqrt": ("transform", HEAD + '''
class it(Transform):
    """For counts: of negative numbers it makes NaN."""
    Params = NoParams
    @classmethod
    def build(cls, params, x): return cls()
    def __call__(self, x):
        with np.errstate(invalid="ignore"): return np.sqrt(x)
    def state(self): return {}
    def restore(self, state): pass
'''),
    "transform-pca": ("transform", HEAD + '''
class it(Transform):
    Params = NoParams
    def __init__(self, axes): self.axes = axes
    @classmethod
    def build(cls, params, x):
        flat = x.reshape(len(x), -1).astype(np.float64)
        return cls(np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2][:3].astype(np.float32))
    def __call__(self, x):
        return np.stack([(row.reshape(-1) * self.axes).sum(axis=1) for row in x])
    def state(self): return {"axes": self.axes}
    def restore(self, state): self.axes = state["axes"]
'''),
    "optimizer-sophia": ("optimizer", HEAD + '''
class it(Optimizer):
    """Sophia (Liu et al. 2023): the mean gradient over a mean of estimates of the curvature, each number cut to 1."""
    MOMENTS = ("m", "h")
    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0)
        rho: float = param(0.05, above=0)
    def __init__(self, params, *, lr=1e-2, rho=0.05, **settings):
        super().__init__(params, lr=lr, **settings)
        self.rho = rho
    @classmethod
    def build(cls, params, module, **settings): return cls(module, lr=params.lr, rho=params.rho, **settings)
    def update_curvature(self, estimate):
        for part, new in zip(self.parts, self.flatten(estimate)):
            part.state["h"].value = 0.9 * part.state["h"].value + 0.1 * new
        pt.end_phase()
    def update_flat(self, p, g, state, decay, scalars):
        m = 0.9 * state["m"] + 0.1 * g
        step = pt.clip(m / pt.maximum(self.rho * state["h"], 1e-12), -1.0, 1.0)
        return p - scalars["rate"] * (step + decay * p), {"m": m}
'''),
    "schedule-class": ("schedule", HEAD + '''
@dataclass(frozen=True)
class it(Schedule):
    """A line down to zero over the whole run, or over its own length."""
    length: int | None = param(None, low=1, run=True)
    def factor(self, step): return 1.0 - pt.minimum(step, float(self.length)) / self.length
'''),
    "schedule-constant": ("schedule", HEAD + '''
def it(step, total):
    return 0.5
'''),
    "schedule-warmup": ("schedule", HEAD + '''
def it(step, total, *, warm: Annotated[int, Range(low=1)] = 5, top: float = 3.0):
    s = pt.astype(step, 'float32')
    return pt.where(s < warm, (s + 1.0) / warm, top)
'''),
    "callback-stateless": ("callback", HEAD + '''
class it(Callback):
    Params = NoParams
    def __init__(self, params): pass
    def after_commit(self, event):
        if event.values.get("valid.loss", 9) < 2: return [Save(), SetScalar("optimizer.lr", 1e-4)]
'''),
    "env-saved": ("env", HEAD + '''
class it(Environment):
    """Its state is saved; pictures of bytes."""
    Params = NoParams
    actions = 3
    observation = np.zeros((4, 4), np.uint8)
    def __init__(self, params): self.at = 0
    def reset(self, seed): self.at = seed % 16; return self.seen()
    def seen(self):
        x = np.zeros(16, np.uint8); x[self.at] = 255
        return x.reshape(4, 4)
    def step(self, action):
        self.at = (self.at + action) % 16
        return self.seen(), np.float32(self.at == 0), np.bool_(self.at == 5), np.bool_(False)
    def state(self): return {"at": np.array(self.at)}
    def restore(self, arrays): self.at = int(arrays["at"])
'''),
    "optimizer-plain": ("optimizer", HEAD + '''
class it(Optimizer):
    Params = NoParams
    MOMENTS = ()
    DECAYS = False
    @classmethod
    def build(cls, params, module, **settings): return cls(module, lr=0.01, **settings)
    def update_flat(self, p, g, state, decay, scalars):
        return p - scalars["rate"] * g, {}
'''),
    "optimizer-counter": ("optimizer", HEAD + '''
class it(Optimizer):
    """Bias correction by the engine's own step."""
    MOMENTS = ("m",)
    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0)
    @classmethod
    def build(cls, params, module, **settings): return cls(module, lr=params.lr, **settings)
    def scalars(self, step, rate, decay): return {"rate": rate / (1.0 - pt.pow(0.9, pt.astype(step, "float32")))}
    def update_flat(self, p, g, state, decay, scalars):
        m = state["m"] * 0.9 + (g + decay * p) * 0.1
        return p - scalars["rate"] * m, {"m": m}
'''),
    "optimizer-without-rate": ("optimizer", HEAD + '''
class it(Optimizer):
    """The rate is a factor on a step that it finds itself, from the distance gone so far."""
    MOMENTS = ("first", "sum")
    DECAYS = False
    @classmethod
    def build(cls, params, module, **settings): return cls(module, lr=1.0, **settings)
    def scalars(self, step, rate, decay): return {"rate": rate, "new": pt.astype(pt.equal(step, 1), "float32")}
    def update_flat(self, p, g, state, decay, scalars):
        first = state["first"] + scalars["new"] * (p - state["first"])
        total = state["sum"] + g * g
        far = pt.maximum(pt.abs(p - first), 1e-2)
        return p - scalars["rate"] * far * g / (pt.sqrt(total) + 1e-8), {"first": first, "sum": total}
'''),
    "strategy-two-models": ("strategy", HEAD + '''
class it(Strategy):
    """Two models that teach each other; both answer. Batch sizes of the recipe, padding in neither."""
    example_recipe = """
data      = { use = "digits", split = { valid = 0.1 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "sgd", lr = 1e-2 }
run       = { until = "100 rounds", batch_size = 16 }
strategy  = { use = "strategy-two-models" }
"""
    def setup(self, run):
        self.models = [run.model("model"), run.model("peer")]
        self.optimizers = [run.optim("model"), run.optim("peer")]
        self.loss, self.data = run.loss(), run.data()
    def step(self, t, batch):
        answers = [model(batch.x) for model in self.models]
        for opt, own, other in zip(self.optimizers, answers, answers[::-1]):
            wanted = pt.stop_gradient(pt.softmax(other, axis=-1))
            losses = self.loss(own, batch.y) - pt.sum(wanted * pt.log_softmax(own, axis=-1), axis=-1)
            t.minimize(opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
    def round(self, run):
        run.loop(self.step, self.data, 3)
    def predict(self, t, batch): return self.models[0](batch.x) + self.models[1](batch.x)
'''),
    "strategy-two-losses": ("strategy", HEAD + '''
class it(Strategy):
    Params = NoParams
    resume = "exact"
    def __init__(self, params): pass
    def setup(self, run):
        self.model, self.opt, self.loss, self.data = run.model(), run.optim(), run.loss(), run.data()
    def step(self, t, batch):
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, pt.sum(losses * batch.weight) / pt.sum(batch.weight), couples=True)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
    def round(self, run):
        run.loop(self.step, self.data, run.quota(self.data, 2))
    def predict(self, t, batch): return self.model(batch.x)
'''),
    "strategy-restart": ("strategy", HEAD + '''
class it(Strategy):
    Params = NoParams
    resume = "restart"
    def __init__(self, params): pass
    def setup(self, run):
        self.model, self.opt, self.loss, self.data = run.model(), run.optim(), run.loss(), run.data()
    def step(self, t, batch):
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
    def round(self, run):
        run.loop(self.step, self.data, 1 + int(time.time()) % 2)
    def predict(self, t, batch): return self.model(batch.x)
'''),
    "kernel-gather": ("kernel", HEAD + '''
def rows(x, i, y, begin, end):
    for a in range(begin, end):
        for b in range(x.shape[1]):
            y[a, b] = x[i[a], b]
it = Kernel("strange_gather", Numba(rows), inputs={"x": "float", "i": "integer"}, split=True,
    shape=lambda x, i: (i[0], x[1]), vjp="reference", reference=lambda x, i: pt.take(x, i, axis=0),
    cases=[Case(np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 5, 5, 2]))])
'''),
    "kernel-two-outputs": ("kernel", HEAD + '''
def both(x, low, high):
    low[0], high[0] = x[0], x[0]
    for a in x:
        low[0] = min(low[0], a); high[0] = max(high[0], a)
it = Kernel("strange_range", Numba(both), outputs=2, shape=lambda x: [(1,), (1,)],
    reference=lambda x: (pt.reshape(pt.min(x), (1,)), pt.reshape(pt.max(x), (1,))),
    cases=[Case(np.random.default_rng(0).normal(size=9))])
'''),
    "kernel-three-inputs": ("kernel", HEAD + '''
def fma(a, b, c): return a * b + c
it = Kernel("strange_fma", Numba(fma, ["float64"]), inputs=["a", "b", "c"], elementwise=True,
    vjp=lambda i, o, g: (g[0] * i[1], g[0] * i[0], g[0]), reference=lambda a, b, c: a * b + c)
'''),
}  # fmt: skip
