"""Plugins whose fault shows late: in training mode, in the next episode, on a feature that never varies.

As in wrong_plugins: (group, the code of the finding, what its text must say, the source)."""

from __future__ import annotations

from wrong_plugins import (
    CALLBACK,
    CHANGE,
    DATA,
    ENV,
    HEAD,
    METRIC,
    MODEL,
    OPTIMIZER,
    STRATEGY,
    TRANSFORM,
    but,
    loss,
)

TRAINED = but(MODEL, "self.last(pt.tanh(self.first(x)))", "self.last(self.middle(pt.tanh(self.first(x))))")
PARTS = but(DATA, '{"train": Source()}', '{"train": Source(), "test": Other()}')
MOMENT = but(
    but(OPTIMIZER, "    Params = NoParams", '    Params = NoParams\n    MOMENTS = ("m",)'),
    'return p - scalars["rate"] * g, {}',
    'm = state["m"] * 0.9 + g\n        return p - scalars["rate"] * m, {"m": m}',
)


def middle(body: str) -> str:
    return f"{TRAINED}\n    def middle(self, x):\n        {body}\n        return x\n"


def setup_and_round(round_: str, more: str = "") -> str:
    return f"{STRATEGY.partition('    def round')[0]}    def round(self, run):\n        {round_}\n{more}"


FEW = "def few(output, target):\n    raise ValueError('ten are too many')\n"


def recipe(data: str, more: str = "") -> str:
    """A plugin that is a recipe, whose file it writes."""
    lines = f'data = {data}\nmodel = "linear"\noptimizer = {{ use = "sgd", lr = 0.1 }}\n'
    lines += 'run = { until = "1 epoch", batch_size = 16 }\n' + more
    return f"from pathlib import Path\nit = Path(__file__).with_name('it.toml')\nit.write_text({lines!r})\n"


LATE: dict[str, tuple[str, str, str, str]] = {
    "import-ends": ("model", "exit", "ended the process by os._exit(0)", "import os\nos._exit(0)\n"),
    "loss-arguments": ("loss", "protocol", "it takes (output); expected (output, target)",
                       HEAD + "def it(output): pass\n"),
    "strategy-arguments": ("strategy", "protocol", "build takes (); expected (params)",
                           HEAD + "class it(Strategy):\n    @classmethod\n    def build(cls): pass\n"),
    "optimizer-arguments": (
        "optimizer", "protocol", "build takes (params, module); expected (params, module, **settings)",
        but(but(MOMENT, "module, **settings):", "module):"), "0.01, **settings", "0.01")),
    "model-train-state": (
        "model", "state-on-self", "a call in training mode changes seen of the module",
        but(middle("self.seen += self.training"), "        self.last =", "        self.seen = 0\n        self.last =")),
    "model-train-typo": ("model", "raises", "in training mode it raised UnknownNameError: ",
                         middle("x = pt.droput(x, 0.1) if self.training else x")),
    "model-train-numpy": ("model", "not-traceable", "in training mode it raised TraceError",
                          middle("if self.training and x.numpy().max() > 99: x = x * 0.5")),
    "model-train-shape": ("model", "output-shape", "is Tensor [",
                          but(middle("return pt.concat([x, x]) if self.training else x"), "        return x\n", "")),
    "model-train-random": ("model", "global-random", "the model in training mode draws",
                           middle("if self.training: x = x + np.random.normal()")),
    "model-odd-parameter": (
        "model", "parameter-type", "the parameter table is ndarray, which no recipe can write",
        but(MODEL, "Params = NoParams", "@dataclass(frozen=True)\n    class Params:\n"
                                        "        table: np.ndarray = None")),
    "loss-balance": (
        "loss", "loss-couples", "changes with the target of another",
        loss("same = pt.astype(pt.equal(pt.reshape(target, (-1, 1)), pt.reshape(target, (1, -1))), 'float32')\n    "
             "return F.cross_entropy(output, target, reduction='none') / pt.mean(same, axis=1)")),
    "metric-writes": ("metric", "writes-input", "measure changes the arrays that it is given",
                      but(METRIC, "        right =", "        prediction -= prediction.max(axis=1, keepdims=True)\n"
                                                     "        right =")),
    "metric-merge": ("metric", "metric-changes-state", "merged changes a state that it was given",
                     but(METRIC, "return a + b", "\n        b += a\n        return b")),
    "metric-random": ("metric", "global-random", "measure or result draws",
                      but(METRIC, "prediction.argmax", "(prediction + 1e-9 * np.random.rand()).argmax")),
    "data-task": ("data", "not-a-dataset", "its task is 'clasification'; expected one of classification, regression, "
                  "language", but(DATA, '"classification"', '"clasification"')),
    "data-labels": ("data", "outputs", "there are 2 labels and outputs = 3", but(DATA, "}, 3)", '}, 3, ("a", "b"))')),
    "data-float-classes": ("data", "outputs", "targets of train are float32; expected class numbers",
                           but(DATA, '"y": self.y[rows]', '"y": self.y[rows].astype("f4")')),
    "data-wide-target": ("data", "outputs", "a target of train is [], and outputs = 3",
                         but(but(DATA, '"classification"', '"regression"'), "self.y[rows]", "self.y[rows] / 2")),
    "data-text": ("data", "fields", "x of train is <U32; expected arrays of numbers",
                  but(DATA, "astype(np.float32)", "astype(str)")),
    "data-empty": ("data", "not-a-dataset", "the part train has no rows", but(DATA, "return 40", "return 0")),
    "data-parts": ("data", "fields", "an example of test is float32[1], and one of train float32[2]",
                   PARTS + "class Other(Source):\n    def fetch(self, rows):\n        found = super().fetch(rows)\n"
                           '        return {**found, "x": found["x"][:, :1]}\n'),
    "data-buffer": ("data", "reused-array", "x that fetch gave changes when it is called again",
                    but(DATA, "    def fetch(self, rows): return {\"x\": self.x[rows].astype(np.float32)",
                        "    kept = np.zeros((64, 2), np.float32)\n    def fetch(self, rows):\n"
                        "        x = self.kept[: len(rows)]\n        x[:] = self.x[rows]\n        return {\"x\": x")),
    "transform-constant": (
        "transform", "not-finite", "a feature that is the same in all examples comes out as no finite number",
        but(but(but(but(TRANSFORM, "(self, mean): self.mean = mean", "(self, mean, std): self.restore({'mean': mean, "
                                   "'std': std})"),
                "cls(x.mean(axis=0))", "cls(x.mean(axis=0), x.std(axis=0))"),
            "return x - self.mean", "return (x - self.mean) / self.std"),
            'return {"mean": self.mean}', 'return {"mean": self.mean, "std": self.std}').replace(
                'self.mean = state["mean"]', 'self.mean, self.std = state["mean"], state["std"]')),
    "change-clock": ("transform", "not-repeatable", "the same draw gives two different batches",
                     but(CHANGE, "draw.integers(9, x.shape)", "np.full(x.shape, time.perf_counter_ns() % 251)").replace(
                         "import numpy", "import time, numpy", 1)),
    "strategy-idle": ("strategy", "no-change", "three rounds make no step and change no slot", setup_and_round("pass")),
    "strategy-predict-writes": (
        "strategy", "predict-changes", "predict or losses changes asked",
        setup_and_round(
            "run.loop(self.step, self.data, 2)",
            "    def setup(self, run):\n        super().setup(run)\n"
            "        self.asked = run.slot('asked', np.zeros(()))\n"
            "    def predict(self, t, batch):\n        self.asked.value = self.asked.value + 1.0\n"
            "        return super().predict(t, batch)\n")),
    "optimizer-count": ("optimizer", "state-on-self", "an update changes t of the optimizer",
                        but(MOMENT, "m = state", "self.t = getattr(self, 't', 0) + 1; m = state")),
    "optimizer-settings": ("optimizer", "settings", "build loses schedule, clip, accumulate, groups of the recipe",
                           but(MOMENT, "lr=0.01, **settings)", 'lr=0.01, name="optimizer")')),
    "optimizer-random": ("optimizer", "global-random", "build or an update draws",
                         but(MOMENT, "m = state", "np.random.rand(); m = state")),
    "schedule-random": ("schedule", "global-random", "the schedule draws",
                        HEAD + "def it(step, total):\n    return 0.5 + 0.0 * np.random.rand()\n"),
    "callback-dice": ("callback", "global-random", "after_commit draws",
                      but(CALLBACK, "self.seen > 4", "np.random.rand() < 0.01")),
    "callback-shared": ("callback", "not-repeatable", "another one that sees the same events answers otherwise",
                        but(but(CALLBACK, "self.seen = 0", "self.seen = 0; type(self).all = getattr(self, 'all', [])"),
                            "self.seen += 1", "self.all.append(1); self.seen = len(self.all)")),
    "callback-nan": ("callback", "request", "it sets optimizer.lr to nan; expected a finite number",
                     but(CALLBACK, 'Stop(f"{self.seen}")', 'SetScalar("optimizer.lr", float("nan"))')),
    "callback-text": ("callback", "state", "its state seen is no array of numbers",
                      but(CALLBACK, "np.array(self.seen)", "str(self.seen)")),
    "env-global": ("env", "global-random", "an episode draws from the random numbers",
                   but(but(ENV, "self.draw, self.at =", "np.random.seed(seed); self.draw, self.at ="),
                       "np.random.Generator(np.random.Philox(seed))", "np.random")),
    "env-history": ("env", "state-on-self", "after another episode the same seed and actions give another one",
                    but(but(ENV, "params): pass", "params): self.played = 0"), ", 0.0",
                        ", 0.5 * self.played; self.played += 1")),
    "env-later-shape": ("env", "observation", "step 1 gives an observation [1, 1]",
                        but(ENV, "return np.float32([self.at]), 1.0", "return np.float32([[self.at]]), 1.0")),
    "env-reward": ("env", "not-finite", "step 1 gives the reward nan", but(ENV, "1.0, self.at", "np.nan, self.at")),
    "env-observation": ("env", "not-finite", "an observation is not finite",
                        but(ENV, "self.at += action", "self.at += np.inf + action")),
    "env-buffer": ("env", "reused-array", "an observation changes when the next one is made",
                   but(ENV, "np.float32([self.at])", "self.seen()")
                   + "    _kept = np.zeros(1, np.float32)\n    def seen(self):\n        self._kept[0] = self.at\n"
                     "        return self._kept\n"),
    "env-state": ("env", "state", "one that restores what state() gave goes on otherwise",
                  ENV + "    def state(self): return {'at': np.array(self.at)}\n"
                        "    def restore(self, arrays): pass\n"),
    "env-mixed": ("env", "examples-mixed", "beside another copy, the same state and actions give another", HEAD + """
import powertrain as pt
from powertrain.plugin import TracedEnvironment
class it(TracedEnvironment):
    observation, actions, draws, longest = np.zeros(1, np.float32), 2, 1, 50
    def begin(self, uniform): return {"at": uniform[:, 0]}
    def see(self, state): return state["at"][:, None]
    def advance(self, state, action):
        at = state["at"] + pt.astype(action, "float32") + pt.mean(state["at"])
        return {"at": at}, at, at > 1000
"""),
    "recipe-function": ("recipe", "recipe", "it is a function; expected the path of a TOML file", "def it(): pass\n"),
    "recipe-without-data": ("recipe", "recipe", "it names lost.npz, which is not in the folder of the recipe",
                            recipe('{ use = "arrays", path = "lost.npz", split = { test = 0.2 } }')),
    "recipe-loss": ("recipe", "raises", "a run that measures 32 of its examples raised ValueError: ten are too many",
                      recipe('{ use = "digits", split = { test = 0.2 } }',
                             'loss = "./few.py:few"')
                      + f"it.with_name('few.py').write_text({FEW!r})\n"),
    "recipe-nowhere": ("recipe", "recipe", "there is no such file", 'it = "nowhere.toml"\n'),
}  # fmt: skip
