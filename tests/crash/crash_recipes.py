"""Recipes that crash tests train: five ways of learning whose states have little in common, each of some seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

CNN = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }, "./shifted.py:Shifted"]
model     = { use = "cnn", channels = [4, 8] }
optimizer = { use = "adamw", lr = 3e-3, clip = 1.0, schedule = "cosine" }
run       = { until = "30 epochs", batch_size = 64, seed = 3, save_seconds = 0 }
evaluate  = { samples = 4 }
report    = { baseline = false, worst = 0 }
"""
SHIFTED = """\
import numpy as np

from powertrain.plugin import RandomTransform


class Shifted(RandomTransform):
    def change(self, fields, draw):
        moved = [np.roll(x, int(by), axis=-1) for x, by in zip(fields["x"], 3 * draw.uniform((len(fields["x"]),)))]
        return {**fields, "x": np.stack(moved)}
"""
GPT = """\
data      = { use = "text", path = "book.txt", context = 32, valid = 0.1 }
model     = { use = "gpt", layers = 2, heads = 2, width = 32, dropout = 0.1 }
strategy  = { use = "next_token", sample = 20 }
optimizer = { use = "adamw", lr = 1e-3, schedule = { use = "cosine", warmup = 20 } }
run       = { until = "400 steps", batch_size = 8, seed = 1, save_seconds = 0, evaluate = { every = "50 steps" } }
report    = { baseline = false, worst = 0 }
"""
TEACHER = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, unlabelled = 0.5, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [64] }
strategy  = { use = "ema-teacher", keep = 0.95, round_steps = 5 }
optimizer = { use = "adamw", lr = 1e-2 }
callbacks = [{ use = "plateau", patience = 1, factor = 0.7 }]
run       = { until = "400 epochs", batch_size = 32, seed = 2, save_seconds = 0, \
stop = { watch = "valid.loss", patience = 60 } }
report    = { baseline = false, worst = 0 }
"""
LIGHTGBM = """\
data   = { use = "table", path = "rows.csv", target = "bought", split = { test = 0.25 } }
model  = { use = "lightgbm", trees = 600 }
run    = { until = "1 round" }
report = { baseline = false, worst = 0 }
"""
DQN = """\
data.env  = { use = "rl/cartpole", copies = 4, longest = 60 }
model     = { use = "rl/q-network", hidden = [16] }
strategy  = { use = "rl/dqn", steps = 16, updates = 8, batch_size = 32, replay = 1_000, warmup = 100, follow = 20 }
optimizer = { use = "adam", lr = 1e-2, schedule = "polynomial" }
run       = { until = "16_384 env_steps", save_seconds = 0, evaluate = { every = "2_048 env_steps", episodes = 10 } }
report    = { baseline = false, worst = 0 }
"""


@dataclass(frozen=True)
class Crashing:
    """A recipe with the files beside it, and what has to be installed for it."""

    text: str
    files: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        for name, content in {"small.toml": self.text, **self.files}.items():
            (folder / name).write_text(content, encoding="utf-8")


def _book() -> str:
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "while",
        "seven",
        "sly",
        "cats",
        "watch",
    ]
    return " ".join(words[(at * at + at // 7) % len(words)] for at in range(6_000))


def _rows() -> str:
    rows = [
        f"{at % 17},{at % 23},{(at * at) % 31},{'yes' if (at % 17) * (at % 23) > 99 else 'no'}" for at in range(4_000)
    ]
    return "\n".join(["age,visits,score,bought", *rows]) + "\n"


RECIPES = {
    "cnn": Crashing(CNN, {"shifted.py": SHIFTED}),
    "gpt": Crashing(GPT, {"book.txt": _book()}),
    "teacher": Crashing(TEACHER),
    "lightgbm": Crashing(LIGHTGBM, {"rows.csv": _rows()}, ("lightgbm", "powertrain_tabular", "pyarrow")),
    "dqn": Crashing(DQN, needs=("powertrain_rl",)),
}
