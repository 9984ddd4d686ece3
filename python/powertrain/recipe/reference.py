"""Every section and key of a recipe, explained: for `powertrain help run.stop` and for docs/recipes/reference.md, which
is made from the same table."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from powertrain._core import Error
from powertrain.io.printable import printable
from powertrain.plugin.conversion import words
from powertrain.plugin.group import Group
from powertrain.plugin.params import Parameter, parameters
from powertrain.plugin.wording import show, suggestion
from powertrain.recipe.sections import (
    Beginning,
    EvaluateSection,
    ReportSection,
    RunSection,
    Split,
    Surroundings,
    TargetSection,
    Use,
)


class HelpError(Error, ValueError):  # type: ignore[misc, unused-ignore]
    """A key that no recipe has."""


@dataclass(frozen=True)
class Key:
    """A section or a key: what it is for, what it may be, an example."""

    path: str
    doc: str
    wanted: str = ""
    default: str = ""
    example: str = ""

    def text(self) -> str:
        rows = [f"{self.path}: {self.doc}"]
        rows += [f"  expected  {self.wanted}"] if self.wanted else []
        rows += [f"  default   {self.default}"] if self.default else []
        rows += [f"  example   {self.example}"] if self.example else []
        return "\n".join(rows)


SECTIONS = (
    Key("data", "what is learned from: a data plugin with its parameters, or one for each role", "a name or a table",
        example='data = { use = "digits", split = { valid = 0.1, test = 0.2 } }'),
    Key("data.ROLE", "a further data set, such as data.unlabelled, or an environment: data.env", "a table with use",
        example='data.env = { use = "./env.py:Target", copies = 8 }'),
    Key("data.ROLE.copies", "copies of an environment, side by side", "a whole number >= 1 and <= 4,096", "1"),
    Key("data.split", "which parts are held out of the training data; parts that the data itself has win", "a table",
        example="data.split = { valid = 0.1, test = 0.2, stratify = true }"),
    Key("target", "the scale on which numbers to predict are learned, and what they are counted in", "a table",
        example='target = { scale = "log", unit = "dollars" }'),
    Key("features", "transforms of the inputs, in order, fitted on the training part; random ones change training "
        "batches alone", "a list of names or tables", "[]",
        'features = [{ use = "scale", by = 0.0625 }, "standardize"]'),
    Key("model", "what is trained: a model plugin with its parameters, or one for each role; its layers may begin with "
        "the weights of another run", "a name or a table",
        example='model = { use = "cnn", weights = "runs/digits-1", fresh = "head.*", frozen = "body.*" }'),
    Key("model.ROLE", "one of several models, which the strategy asks for by role", "a table with use",
        example='model.critic = { use = "mlp", hidden = [64] }'),
    Key("loss", "one value for each example, which training lowers", "a name or a table",
        "that of the strategy, the model or the task", 'loss = { use = "cross-entropy", smoothing = 0.1 }'),
    Key("strategy", "the way of learning", "a name or a table", "that of the model; supervised",
        'strategy = { use = "masked", hide = 0.15 }'),
    Key("optimizer", "how parameters are updated: an optimizer plugin with its parameters, or one for each role",
        "a name or a table", example='optimizer = { use = "adamw", lr = 1e-3, schedule = "cosine" }'),
    Key("optimizer.schedule", "the rate of each update; lengths that are not given, such as T_max, are the whole run",
        "a name or a table", "none",
        'schedule = { use = "cosine", warmup = 100 }'),
    Key("optimizer.schedule.warmup", "updates in which the rate rises to where the schedule begins, in a straight line",
        "a whole number >= 0", "0"),
    Key("optimizer.groups", "settings of some parameters, by a pattern of their names; each pattern must match a "
        "parameter, and a parameter at most one pattern", "a list of tables", "[]",
        '[[optimizer.groups]]\n    match = "*.bias"\n    weight_decay = 0.0'),
    Key("callbacks", "plugins that watch the run and may ask for something", "a list of names or tables", "[]",
        'callbacks = [{ use = "plateau", patience = 3 }]'),
    Key("run", "how long and with what a run trains", "a table",
        example='run = { until = "20 epochs", batch_size = 64 }'),
    Key("evaluate", "what is measured on the validation and test parts", "a table",
        example='evaluate = { metrics = ["accuracy"] }'),
    Key("expect", "what the results are held to: exit code 1 where it is missed. Keys are a part, a dot and a metric, "
        "or seconds, steps, examples_per_second, data_wait.share, energy.watt_hours", "limits", "{}",
        'expect = { "test.accuracy" = ">= 0.98", seconds = 60 }'),
    Key("report", "what the report holds", "a table", example="report = { baseline = false }"),
)  # fmt: skip
TABLES: dict[str, type] = {
    "data.split": Split,
    "target": TargetSection,
    "model": Beginning,
    "optimizer": Surroundings,
    "run": RunSection,
    "evaluate": EvaluateSection,
    "report": ReportSection,
}


def keys() -> dict[str, Key]:
    """Every key by its path, each section with its keys after it."""
    found: dict[str, Key] = {}
    for section in SECTIONS:
        found[section.path] = section
        if section.path in TABLES:
            found.update({key.path: key for key in _keys(TABLES[section.path], section.path)})
    return found


def _keys(table: type, prefix: str) -> list[Key]:
    found = []
    for field in parameters(table):
        path, inner = f"{prefix}.{field.name}", _inner(field.type)
        doc = field.range.doc or ((inner.__doc__ or "").splitlines()[0].rstrip(".") if inner else "")
        wanted = (
            "a table" if inner else "a name or a table" if field.name == "backend" else words(field.type, field.range)
        )
        found.append(Key(path, doc, wanted, _default(field)))
        found += _keys(inner, path) if inner else []
    return found


def _inner(kind: Any) -> type | None:
    """The dataclass of a key that is a table of the engine's own."""
    options = [kind, *typing.get_args(kind)]
    sections = Use.__module__  # a Use is the table of a plugin
    own = (one for one in options if one is Group or (getattr(one, "__module__", "") == sections and one is not Use))
    return next(own, None)


def _default(field: Parameter) -> str:
    if field.required:
        return ""
    return "none" if field.default is None else show(field.default)


def explain(path: str, others: Iterable[str] = ()) -> str:
    """A key, and the keys below it; a HelpError where there is none of that name, which may suggest one of `others`."""
    known = keys()
    parts = path.split(".")
    if path not in known and len(parts) > 1 and parts[0] in ("data", "model"):
        path = ".".join([parts[0], "ROLE", *parts[2:]])  # data.env is one of the roles
    if path not in known:
        received = printable(".".join(parts))[:80]
        ends = [key for key in known if key.endswith(f".{received}")]
        meant = f"; did you mean {' or '.join(ends)}?" if ends else suggestion(received, [*known, *others])
        raise HelpError(
            f"[help] received {received}; expected a key of a recipe, a page or a public name{meant}; powertrain help "
            "lists keys and pages, and powertrain plugins show NAME the parameters of a plugin"
        )
    below = [key for name, key in known.items() if name.startswith(f"{path}.")]
    rows = [known[path].text()] + [f"  {key.path}: {key.doc}" for key in below]
    return "\n".join(rows)


def overview() -> str:
    """The sections of a recipe, a line each."""
    return "\n".join(f"{key.path:<10} {key.doc}" for key in SECTIONS if "." not in key.path)


def page() -> str:
    """docs/recipes/reference.md."""
    rows = [
        "# Keys of a recipe",
        "",
        "`powertrain help KEY` prints the same, `powertrain plugins show NAME` the parameters of a plugin. This page",
        "is made by `python tools/recipe_reference.py`.",
        "",
        "| key | what it is for | expected | default |",
        "| --- | --- | --- | --- |",
    ]
    for key in keys().values():
        cells = (f"`{key.path}`", key.doc, key.wanted, key.default)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    examples = [f"`{key.path}`\n\n    {key.example}" for key in SECTIONS if key.example]
    return "\n".join([*rows, "", "## Examples", "", "\n\n".join(examples)]) + "\n"
