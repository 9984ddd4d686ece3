"""Recipes: every mistake at once, each with its file, line and cure; and good recipes read as they were meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from given_plugins import Given
from powertrain.plugin.params import NoParams, param
from powertrain.recipe import Duration, Limit, Recipe, RecipeError, load_recipe
from powertrain.recipe.locate import locate


class Makes:
    """What the engine calls by a class method."""

    def __init__(self, *given: Any) -> None: ...

    @classmethod
    def build(cls, params: Any, *given: Any, **settings: Any) -> None: ...


class Cnn(Makes):
    strategy = "supervised"

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((16, 32), low=1)
        kernel: int = param(3, low=1, high=15)
        dropout: float = param(0.0, low=0, below=1)

        def __post_init__(self) -> None:
            if self.kernel % 2 == 0:
                raise ValueError(f"kernel = {self.kernel}; expected an odd number; 3 is usual")


class Adamw(Makes):
    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, usual="1e-3 is usual for adamw")
        amsgrad: bool = param(False)


class Csv(Makes):
    @dataclass(frozen=True)
    class Params:
        path: Path = param(doc="the file")
        separator: str = param(",", choices=(",", ";", "tab"))


class Plain(Makes):
    Params = NoParams


def cosine(step: Any, total: int, *, floor: float = 0.0) -> float:
    return floor


PLUGINS = Given(
    model={"cnn": Cnn, "plain": Plain},
    data={"digits": Plain, "csv": Csv},
    transform={"scale": Plain},
    strategy={"supervised": Plain, "free": type("Free", (Makes,), {"needs": ()})},
    optimizer={"adamw": Adamw, "sgd": Plain},
    schedule={"cosine": cosine},
    loss={"mse": Plain},
    metric={"accuracy": Plain},
)
GOOD = """\
# digits.toml
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale" }]
model     = { use = "cnn", channels = [8, 16] }
optimizer = { use = "adamw", lr = 3e-3, schedule = "cosine" }
run       = { until = "20 epochs", batch_size = 64, stop = { watch = "valid.accuracy" } }
expect    = { "test.accuracy" = ">= 0.98", seconds = 60 }
"""


def read(folder: Path, text: str, *settings: str, name: str = "digits.toml") -> Recipe:
    path = folder / name
    path.write_text(text)
    return load_recipe(str(path), settings, PLUGINS)


def complaint(folder: Path, text: str, *settings: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read(folder, text, *settings)
    return list(caught.value.lines)


def test_a_good_recipe_is_read_as_it_was_meant(tmp_path: Path) -> None:
    recipe = read(tmp_path, GOOD)
    assert recipe.name == "digits"
    assert recipe.model is not None and recipe.model.params == Cnn.Params(channels=(8, 16))
    assert recipe.run.until == Duration(20, "epochs")
    assert recipe.run.batch_size == 64 and recipe.run.stop is not None and recipe.run.stop.patience == 5
    assert (recipe.split.valid, recipe.split.test, recipe.split.stratify) == (0.1, 0.2, True)
    assert recipe.optimizers["model"].schedule is not None
    assert recipe.expect == {"test.accuracy": Limit(">=", 0.98), "seconds": Limit("<=", 60.0)}
    assert recipe.strategy.name == "supervised"


# Each: the line to put in place of the one that begins with the same word, and what is said about it.
LINES = [
    ("model = { use = 'cnn', chanels = [8] }",
     "[digits.toml:4 model.chanels] no such parameter of cnn; expected channels, kernel, dropout; "
     "did you mean channels?"),
    ("model = { use = 'cnn', channels = 8 }",
     "[digits.toml:4 model.channels] received 8; expected a list of whole numbers >= 1"),
    ("model = { use = 'cnn', channels = [8, 0] }",
     "[digits.toml:4 model.channels.1] received 0; expected a whole number >= 1"),
    ("model = { use = 'cnn', channels = [8, 'x'] }",
     '[digits.toml:4 model.channels.1] received "x"; expected a whole number >= 1'),
    ("model = { use = 'cnn', kernel = 4 }",
     "[digits.toml:4 model] kernel = 4; expected an odd number; 3 is usual"),
    ("model = { use = 'cnn', kernel = 3.5 }",
     "[digits.toml:4 model.kernel] received 3.5; expected a whole number >= 1 and <= 15"),
    ("model = { use = 'cnn', kernel = true }",
     "[digits.toml:4 model.kernel] received true; expected a whole number >= 1 and <= 15"),
    ("model = { use = 'cnn', dropout = 1 }",
     "[digits.toml:4 model.dropout] received 1; expected a number >= 0 and < 1"),
    ("model = { use = 'cnn', dropout = nan }",
     "[digits.toml:4 model.dropout] received nan; expected a number >= 0 and < 1"),
    ("model = { use = 'cnnn' }",
     "[digits.toml:4 model.use] no such model cnnn; expected one of cnn, plain; did you mean cnn?"),
    ("model = 'cnnn'",
     "[digits.toml:4 model] no such model cnnn; expected one of cnn, plain; did you mean cnn?"),
    ("model = { channels = [8] }",
     '[digits.toml:4 model] use is missing; expected the name of a model; one of cnn, plain or "./file.py:Name"'),
    ("model = { use = 3 }",
     '[digits.toml:4 model.use] received use = 3; expected the name of a model; one of cnn, plain or '
     '"./file.py:Name"'),
    ("model = [1]",
     "[digits.toml:4 model] received [1]; expected a table; write model = { ... }"),
    ("model = { use = 'plain', width = 3 }",
     "[digits.toml:4 model.width] no such parameter of plain; expected none; leave it out"),
    ("optimizer = { use = 'adamw', lr = -1 }",
     "[digits.toml:5 optimizer.lr] received -1; expected a number > 0; 1e-3 is usual for adamw"),
    ("optimizer = { use = 'adamw', lr = 'fast' }",
     '[digits.toml:5 optimizer.lr] received "fast"; expected a number > 0; 1e-3 is usual for adamw'),
    ("optimizer = { use = 'adamw', amsgrad = 1 }",
     "[digits.toml:5 optimizer.amsgrad] received 1; expected true or false"),
    ("optimizer = { use = 'adamw', schedule = 'cosin' }",
     "[digits.toml:5 optimizer.schedule] no such schedule cosin; expected one of cosine; did you mean cosine?"),
    ("optimizer = { use = 'adamw', schedule = { use = 'cosine', flor = 1 } }",
     "[digits.toml:5 optimizer.schedule.flor] no such parameter of cosine; expected floor; did you mean floor?"),
    ("optimizer = { use = 'adamw', clip = 0 }",
     "[digits.toml:5 optimizer.clip] received 0; expected a number > 0; 1.0 is usual"),
    ("optimizer = { use = 'adamw', accumulate = 0 }",
     "[digits.toml:5 optimizer.accumulate] received 0; expected a whole number >= 1 and <= 65,536"),
    ("optimizer = { use = 'adamw', accumulate = 2147483648 }",
     "[digits.toml:5 optimizer.accumulate] received 2147483648; expected a whole number >= 1 and <= 65,536"),
    ("run = { evaluate = { every = '1 epochs', episodes = 2147483648 } }",
     "[digits.toml:6 run.evaluate.episodes] received 2147483648; expected a whole number >= 1 and <= 100,000"),
    ("run = { until = '20 epoch', batch_size = 0 }",
     "[digits.toml:6 run.batch_size] received 0; expected a whole number >= 1 and <= 16,777,216"),
    ("run = { until = '20' }",
     '[digits.toml:6 run.until] received "20"; expected an amount and a unit, such as "20 epochs" or "2_000 steps" '
     "(units: steps, epochs, examples, tokens, env_steps, rounds)"),
    ("run = { until = 20 }",
     '[digits.toml:6 run.until] received 20; expected an amount and a unit, such as "20 epochs" or "2_000 steps" '
     "(units: steps, epochs, examples, tokens, env_steps, rounds)"),
    ("run = { batch_size = 64 }",
     '[digits.toml:6 run] until is missing; run needs an amount and a unit, such as "20 epochs" or "2_000 steps" '
     "(units: steps, epochs, examples, tokens, env_steps, rounds); add until = ..."),
    ("run = { until = '1 epoch', stop = { patience = 3 } }",
     "[digits.toml:6 run.stop] watch is missing; stop needs a text in quotes; add watch = ..."),
    ("run = { until = '1 epoch', stop = { watch = 'valid.loss', mode = 'maxi' } }",
     '[digits.toml:6 run.stop.mode] received "maxi"; expected one of "auto", "max", "min"; did you mean max?'),
    ("run = { until = '1 epoch', sed = 3 }",
     "[digits.toml:6 run.sed] no such parameter of run; expected until, batch_size, shards, zero, compress, seed, "
     "stop, anomalies, histograms, keep, evaluate, num_workers, threads, precision, device, backend, save_seconds; "
     "did you mean seed?"),
    ("data = { use = 'digits', split = { valid = 0.6, test = 0.5 } }",
     "[digits.toml:2 data.split] received valid 0.6 and test 0.5; expected less than 1 together, so that something "
     "is left to train on; lower one of them"),
    ("data = { use = 'digits', split = { valid = 10 } }",
     "[digits.toml:2 data.split.valid] received 10; expected a number >= 0 and < 1"),
    ("data = { use = 'csv', separator = 'tabs' }",
     '[digits.toml:2 data.separator] received "tabs"; expected one of ",", ";", "tab"; did you mean tab?'),
    ("data = { use = 'csv', separator = ';' }",
     "[digits.toml:2 data] path is missing; csv needs a path in quotes; add path = ..."),
    ("data = { use = 'audio/spoken-digits' }",
     "[digits.toml:2 data.use] the data audio/spoken-digits is in powertrain-audio, which is not installed; install "
     "it: pip install powertrain-audio"),
    ("model = 'adamw'",
     "[digits.toml:4 model] no such model adamw; expected one of cnn, plain; adamw is of the group optimizer"),
    ("run = { until = '1 epoch', stop = { watch = 'valid.acuracy' } }",
     '[digits.toml:6 run.stop.watch] received "valid.acuracy"; expected one of valid.loss, valid.accuracy, '
     "valid.perplexity, valid.mse, valid.mae, valid.r2; did you mean valid.accuracy?"),
    ("run = { until = '1 epoch', batch = 64 }",
     "[digits.toml:6 run.batch] no such parameter of run; expected until, batch_size, shards, zero, compress, seed, "
     "stop, anomalies, histograms, keep, evaluate, num_workers, threads, precision, device, backend, save_seconds; "
     "did you mean batch_size?"),
    ("run = { until = '1 epoch', lr = 1e-3 }",
     "[digits.toml:6 run.lr] no such parameter of run; expected until, batch_size, shards, zero, compress, seed, "
     "stop, anomalies, histograms, keep, evaluate, num_workers, threads, precision, device, backend, save_seconds; "
     "it belongs to optimizer"),
    ("expect = {}\nevaluate = { every = '1 epoch' }",
     "[digits.toml:8 evaluate.every] no such parameter of evaluate; expected metrics, pos_label, batch_size, most, "
     "samples, calibrate, threshold; it belongs to run.evaluate"),
    ("expect = {}\nschedule = 'cosine'",
     "[digits.toml:8 schedule] no such section; expected data, target, features, model, loss, strategy, optimizer, "
     "callbacks, run, evaluate, expect, report; it belongs to optimizer"),
    ("expect = { 'tset.accuracy' = '>= 0.9' }",
     "[digits.toml:7 expect.tset.accuracy] it is not measured; expected a part (test, valid, train), a dot and a "
     "metric (loss, accuracy, perplexity, mse, mae, r2), or one of seconds, steps, examples_per_second, "
     "data_wait.share, energy.watt_hours, energy.low, energy.high; did you mean test.accuracy?"),
    ("expect = {}\nevaluate = { metrics = ['acc'] }",
     "[digits.toml:8 evaluate.metrics.0] no such metric acc; expected one of accuracy; did you mean accuracy?"),
    ("features = { use = 'scale' }",
     '[digits.toml:3 features] received { use = "scale" }; expected a list of transforms; write features = [...]'),
    ("features = [{ use = 'scal' }]",
     "[digits.toml:3 features.0.use] no such transform scal; expected one of scale; did you mean scale?"),
    ("expect = {}\nevaluate = { metrics = ['acuracy'] }",
     "[digits.toml:8 evaluate.metrics.0] no such metric acuracy; expected one of accuracy; did you mean accuracy?"),
    ("expect = { 'test.accuracy' = 'good' }",
     '[digits.toml:7 expect.test.accuracy] received "good"; expected a limit such as ">= 0.98" or a number that is '
     "the most allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text"), LINES, ids=[line for line, _ in LINES])
def test_a_mistake_is_said_with_its_line_and_cure(tmp_path: Path, line: str, text: str) -> None:
    word = line.split()[0]
    lines = [line if old.split()[0] == word else old for old in GOOD.splitlines()]
    said = complaint(tmp_path, "\n".join(lines))
    # A missing use or file also leaves other keys unchecked; the first complaint is the one meant here.
    assert said[0] == text


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = complaint(
        tmp_path,
        """\
[modle]
use = "cnn"

[optimizer]
use = "adamw"
lr = 0
momentum = 1

[run]
until = "no"
""",
    )
    assert said == [
        '[digits.toml] data is missing; expected a table; add data = { use = "digits" }',
        '[digits.toml] model is missing; expected a table; add model = { use = "cnn" }',
        "[digits.toml:1 modle] no such section; expected data, target, features, model, loss, strategy, optimizer, "
        "callbacks, run, evaluate, expect, report; did you mean model?",
        "[digits.toml:6 optimizer.lr] received 0; expected a number > 0; 1e-3 is usual for adamw",
        "[digits.toml:7 optimizer.momentum] no such parameter of adamw; expected lr, amsgrad",
        '[digits.toml:10 run.until] received "no"; expected an amount and a unit, such as "20 epochs" or '
        '"2_000 steps" (units: steps, epochs, examples, tokens, env_steps, rounds)',
    ]


def test_names_of_metrics_are_said_with_all_other_mistakes(tmp_path: Path) -> None:
    """Though only the data says which metrics are usual."""
    said = complaint(
        tmp_path,
        """\
data = "digit"
model = "cnn"
optimizer = "adamw"
run = { until = "5", stop = { watch = "valid.acc" } }
evaluate = { metrics = ["acuracy"], batchsize = 3 }

[expect]
test.acc = ">= 1"
"test.accuracy" = "high"
""",
    )
    assert [line.partition("]")[0] for line in said] == [
        "[digits.toml:1 data",
        "[digits.toml:4 run.until",
        "[digits.toml:4 run.stop.watch",
        "[digits.toml:5 evaluate.batchsize",
        "[digits.toml:5 evaluate.metrics.0",
        "[digits.toml:8 expect.test.acc",
        "[digits.toml:9 expect.test.accuracy",
    ]
    assert [line.rpartition("; ")[2] for line in said[2:6]] == [
        "did you mean valid.accuracy?",
        "did you mean batch_size?",
        "did you mean accuracy?",
        "did you mean test.accuracy?",
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "[bad.toml] the file is empty; expected the sections data, model, optimizer and run; see powertrain "
              "recipes for examples"),
        (b"\n \n", "[bad.toml] the file is empty; expected the sections data, model, optimizer and run; see "
                   "powertrain recipes for examples"),
        (b"a = 1\n\xff\xfe\x00", "[bad.toml:2] byte 6 is not UTF-8; expected a TOML text; save it as UTF-8, or is it "
                                 "a binary file?"),
        (b"x" * (2 << 20), "[bad.toml] received more than 1024 KiB; expected a TOML file of a few lines; is it a data "
                           "file?"),
        (b"a = 1\nmodel { use }\n", "[bad.toml:2] not valid TOML in column 7: Expected '=' after a key in a key/value "
                                    "pair; received model { use }; expected key = value"),
        (b"a = 1\na = 2\n", "[bad.toml:2] not valid TOML in column 6: Cannot overwrite a value; received a = 2; "
                              "expected each name once; join the two"),
        (b"a = " + 5000 * b"[", "[bad.toml:1] not valid TOML: nested too deeply; expected key = value; see toml.io"),
        (b"a = 1\nmodel = mlp\n",
         "[bad.toml:2] not valid TOML in column 9: Invalid value; received model = mlp; expected a text in quotes; "
         'write "mlp"'),
        (b"a = 1\nb = True\n",
         "[bad.toml:2] not valid TOML in column 5: Invalid value; received b = True; expected small letters; "
         "write true"),
        ("a = 1\nb = \u201cx\u201d\n".encode(),
         "[bad.toml:2] not valid TOML in column 5: Invalid value; received b = \u201cx\u201d; expected straight "
         'quotes, "'),
        (b"a = 1\nmodel: mlp\n",
         "[bad.toml:2] not valid TOML in column 6: Expected '=' after a key in a key/value pair; received model: mlp; "
         'expected key = value, as in model = "mlp"; this is no YAML or JSON'),
        (b'a = "x\nb = 1\n',
         "[bad.toml:1] not valid TOML in column 7: Illegal character '\\n'; received a = \"x; expected a quote that "
         'ends the text; write "'),
        (b"a = 1\nb =\n", "[bad.toml:2] not valid TOML in column 4: Invalid value; received b =; expected key = value"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_recipe_gets_one_clear_line(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path), (), PLUGINS)
    assert str(caught.value) == text


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no such file; expected a recipe; check the path"):
        load_recipe(str(tmp_path / "none.toml"), (), PLUGINS)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(tmp_path / "folder.toml"), (), PLUGINS)
    text = "[folder.toml] it could not be read: it is a folder, not a regular file; expected a TOML file"
    assert str(caught.value) == text


def test_settings_go_through_the_same_checks(tmp_path: Path) -> None:
    recipe = read(tmp_path, GOOD, "optimizer.lr=1e-4", "run.until=5 epochs", "model.channels=[4]", "run.seed=7")
    assert recipe.optimizers["model"].use.params.lr == 1e-4
    assert recipe.run.until == Duration(5, "epochs") and recipe.run.seed == 7
    assert recipe.model is not None and recipe.model.params.channels == (4,)
    assert complaint(tmp_path, GOOD, "optimizer.lr=0", "model.chanels=[4]") == [
        "[--set model.chanels] no such parameter of cnn; expected channels, kernel, dropout; did you mean channels?",
        "[--set optimizer.lr] received 0; expected a number > 0; 1e-3 is usual for adamw",
    ]
    assert complaint(tmp_path, GOOD, "optimizer.lr") == [
        "[--set optimizer.lr] expected KEY=VALUE, for example --set optimizer.lr=1e-3"
    ]
    assert complaint(tmp_path, GOOD, "run.batch_size.size=3") == [
        "[--set run.batch_size.size] run.batch_size is a single value; expected a table"
    ]
    assert complaint(tmp_path, GOOD, "features.4.by=3") == ["[--set features.4.by] received 4; expected an index from "
                                                            "0 to 0"]  # fmt: skip


def test_a_strategy_that_needs_no_model_gets_none(tmp_path: Path) -> None:
    recipe = read(tmp_path, "data = 'digits'\nstrategy = 'free'\nrun = { until = '3 rounds' }\n")
    assert recipe.model is None and not recipe.optimizers


def test_several_optimizers_by_role(tmp_path: Path) -> None:
    text = GOOD.replace(
        'optimizer = { use = "adamw", lr = 3e-3, schedule = "cosine" }',
        'optimizer.one = { use = "adamw" }\noptimizer.two = { use = "sgd" }',
    )
    assert {role: found.use.name for role, found in read(tmp_path, text).optimizers.items()} == {
        "one": "adamw",
        "two": "sgd",
    }


OWN = """
from powertrain.plugin import Model

class Net(Model):
    @classmethod
    def build(cls, params, inputs): ...
"""


def test_own_code_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(OWN)
    text = GOOD.replace('{ use = "cnn", channels = [8, 16] }', '{ use = "./model.py:Net" }')
    recipe = read(tmp_path, text)
    assert recipe.model is not None and recipe.model.file is not None
    assert recipe.model.origin["file"] == "model.py"
    assert complaint(tmp_path, text.replace(":Net", ":Nett")) == [
        "[digits.toml:4 model.use] model.py has no Nett; expected one of its names; did you mean Net?"
    ]


def test_lines_are_found_through_every_way_of_writing(tmp_path: Path) -> None:
    lines = locate(
        "# a comment with [brackets] and = signs\n"
        'a.b = "x = [1] # no comment"\n'
        "c = [\n  1, # one\n  { d = '''\nlong\n''', e = 2 },\n]\n"
        "[table.'quoted key']\nf = 1\n"
        "[[many]]\ng = 1\n[[many]]\ng = 2\n"
    )
    assert lines[("a", "b")] == 2
    assert lines[("c",)] == 3
    assert lines[("c", 1, "e")] == 7
    assert lines[("table", "quoted key", "f")] == 10
    assert lines[("many", 0, "g")] == 12
    assert lines[("many", 1, "g")] == 14


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("20 epochs", Duration(20, "epochs")),
        ("1 epoch", Duration(1, "epochs")),
        ("2_000 steps", Duration(2000, "steps")),
        ("150_000 env_steps", Duration(150_000, "env_steps")),
        ("1,000 examples", Duration(1000, "examples")),
        ("0 steps", None),
        ("-3 steps", None),
        ("1.5 epochs", None),
        ("ten steps", None),
        ("3 weeks", None),
        (20, None),
        ("9" * 5000 + " epochs", None),
        ("1" + "0" * 15 + " steps", None),
        ("0" * 5000 + "7 steps", Duration(7, "steps")),
        (True, None),
    ],
)
def test_durations(text: Any, want: Duration | None) -> None:
    assert Duration.parse(text) == want


@pytest.mark.parametrize(
    ("text", "value", "met"),
    [
        (">= 0.98", 0.98, True),
        (">= 0.98", 0.9799, False),
        ("> 0.98", 0.98, False),
        ("<= 2", 2.0, True),
        ("< 2e0", 2.0, False),
        (60, 59.0, True),
        (60, 61.0, False),
        (">= 0.98", float("nan"), False),
        (60, float("nan"), False),
    ],
)
def test_limits(text: Any, value: float, met: bool) -> None:
    limit = Limit.parse(text)
    assert limit is not None and limit.met(value) is met


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('model = "a\\nb\\u001b[31m"',
         '[digits.toml:4 model] no such model "a\\nb\\x1b[31m"; expected one of cnn, plain'),
        (f'model = "{70 * "x"}"',
         f'[digits.toml:4 model] no such model "{56 * "x"}...; expected one of cnn, plain'),
        ("features = [['scale']]",
         '[digits.toml:3 features.0] received ["scale"]; expected a table; write a name in quotes or { use = "..." }'),
        ("optimizer = { lr = 1 }",
         '[digits.toml:5 optimizer] use is missing; expected the name of an optimizer; one of adamw, sgd or '
         '"./file.py:Name"'),
    ],
)  # fmt: skip
def test_what_a_person_reads_is_one_line(tmp_path: Path, line: str, text: str) -> None:
    lines = [line if old.split()[0] == line.split()[0] else old for old in GOOD.splitlines()]
    assert complaint(tmp_path, "\n".join(lines))[0] == text


def test_a_data_set_that_splits_itself_is_asked_about_its_split_alone(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Own:
        path: Path = param(doc="the file")
        split: dict[str, Any] = param(None)

    plugins = Given(data={"own": type("OwnData", (Makes,), {"Params": Own})})
    plugins._groups |= {group: entries for group, entries in PLUGINS._groups.items() if group != "data"}
    text = GOOD.replace('use = "digits", split = {', 'use = "own", split = { by = "time",')
    (tmp_path / "digits.toml").write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(tmp_path / "digits.toml"), (), plugins)
    assert list(caught.value.lines) == [
        "[digits.toml:2 data] path is missing; own needs a path in quotes; add path = ..."
    ]
