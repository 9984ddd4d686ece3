"""What the command takes: its verbs and their options. An action is named, since --help imports none of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="powertrain",
        description="Train models from recipes; resume any run to the same numbers.",
        epilog="begin with: powertrain train digits",
    )
    found.add_argument("--version", action="store_true", help="print versions, kernels and threads, for a bug report")
    verbs = found.add_subparsers(dest="verb", metavar="VERB")

    train = _verb(verbs, "train", "train:train", "train a recipe, given by name or as a .toml file")
    _running(train)
    train.add_argument("--run", type=Path, metavar="DIR", help="the folder of the run (default: runs/NAME-N)")
    train.add_argument("--resume", action="store_true", help="go on with --run, or with the newest run of the recipe; "
                       "where there is none yet, begin")  # fmt: skip
    _changing(train, "with --resume: go on")
    train.add_argument("--workers", type=_whole, default=1, metavar="N", help="processes that share the run, a divisor "
                       "of run.shards (default: 1; results do not depend on it)")  # fmt: skip
    train.add_argument("--json", action="store_true", help="print one line of results at the end, nothing else")
    train.add_argument("--smoke", action="store_true", help="two steps or a round, to see that all fits together")

    plan = _verb(verbs, "plan", "plan:plan", "what a run will cost, before it is run: time, memory, energy, disk")
    _running(plan)
    plan.add_argument("--price-per-hour", type=_positive, metavar="X", help="of the machine, to say what the run costs")
    plan.add_argument("--price-per-kwh", type=_positive, metavar="X", help="of the energy")
    plan.add_argument("--json", action="store_true", help="print one line of figures, nothing else")

    _tune(verbs)

    about = "look for wrong labels, duplicates, outliers and leaks in the data of a recipe, and write a page"
    check = _verb(verbs, "check", "check:check", about)
    check.add_argument("recipe", metavar="NAME|PATH")
    about = "judge labels by the recipe's own model, trained once for each fold (default: a linear model)"
    check.add_argument("--train", action="store_true", help=about)
    check.add_argument("--folds", type=_whole, default=5, metavar="N", help="of the cross-validation (default: 5)")
    about = "cosine from which examples are near duplicates (default: 0.99)"
    check.add_argument("--near", type=_positive, default=0.99, metavar="S", help=about)
    check.add_argument("--out", type=Path, metavar="FILE", help="the page (default: check-NAME.html)")
    _trusting(check)
    check.add_argument("--json", action="store_true", help="print one line of findings, nothing else")

    evaluate = _verb(verbs, "evaluate", "runs:evaluate", "measure a trained run again")
    evaluate.add_argument("run", type=Path, metavar="DIR")
    _choosing(evaluate)
    _changing(evaluate, "measure")
    _trusting(evaluate)
    evaluate.add_argument("--json", action="store_true")

    predict = _verb(verbs, "predict", "predict:predict", "predict with a trained run, from files of examples")
    predict.add_argument("run", type=Path, metavar="DIR")
    _choosing(predict)
    about = "of the kind that the run was trained on, such as a .csv or pictures; .npy, .npz (its x)"
    predict.add_argument("file", type=Path, metavar="FILE|FOLDER|-", help=f"{about}; -: standard input")
    predict.add_argument("--out", type=Path, metavar="FILE", help="write the answers to a .csv, .jsonl or .parquet")
    about = "a column of the table, beside each answer; may be given several times"
    predict.add_argument("--id", action="append", default=[], metavar="COLUMN", help=about)
    predict.add_argument("--probabilities", action="store_true", help="print those of all classes; --out and --json "
                         "have them always")  # fmt: skip
    _trusting(predict)
    predict.add_argument("--json", action="store_true", help="print a JSON object for each example")

    _generating(_verb(verbs, "generate", "generate:generate", "go on with a text, with the run of a language model"))
    _sampling(_verb(verbs, "sample", "sample:sample", "draw new examples from the run of a generative model"))
    _explain(verbs)
    _suggest(verbs)
    _serve(verbs)
    _watch(verbs)

    about = "write report.html of a finished run again; --card: its model card; --all: a table of the runs in a folder"
    report = _verb(verbs, "report", "runs:report", about)
    about = "the folder of a run; with --all the folder of runs (default: runs)"
    report.add_argument("run", nargs="?", type=Path, metavar="DIR", help=about)
    report.add_argument("--all", action="store_true", help="write leaderboard.html: its runs in a table to sort")
    report.add_argument("--card", action="store_true", help="a model card: data, results, limits, energy, recipe")
    report.add_argument("--group", action="append", default=[], metavar="COLUMN", help="with results by its values")
    report.add_argument("--licence", default="", metavar="TEXT", help="of the data, for the card")
    _trusting(report)

    _monitor(verbs)
    _retrain(verbs)
    _models(verbs)
    _export(verbs)
    _quantize(verbs)

    about = "compare finished runs: scores, settings, and how sure it is that one is better than the first"
    compare = _verb(verbs, "compare", "runs:compare", about)
    compare.add_argument("runs", nargs="+", type=Path, metavar="DIR", help="the folders of two or more runs")
    compare.add_argument("--confidence", type=float, default=0.95, metavar="C", help="of the interval (default: 0.95)")
    compare.add_argument("--json", action="store_true", help="print one line of results, nothing else")
    _trusting(compare)

    about = "list runs; show DIR: its checkpoints; diff A B; hash DIR: of all bits; prune DIR: drop what is not kept"
    runs = _verb(verbs, "runs", "runs:runs", about)
    runs.add_argument("what", nargs="?", metavar="list|show|diff|hash|prune", default="list")
    runs.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    about = "with prune: a setting over run.keep of the recipe, such as last=1"
    runs.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=about)
    runs.add_argument("--json", action="store_true")

    about = "list all recipes by what they teach, also those that are not installed; show NAME: the text of one"
    recipes = _verb(verbs, "recipes", "recipes:recipes", about)
    recipes.add_argument("what", nargs="?", choices=["list", "show"], default="list")
    recipes.add_argument("name", nargs="?")
    recipes.add_argument("--json", action="store_true")

    about = "explain a key of a recipe (help run.stop), a public name (help pt.matmul) or print a page (help fit)"
    topics = _verb(verbs, "help", "help:help_on", about)
    topics.add_argument("topic", nargs="?", metavar="TOPIC")

    about = "list plugins; show NAME: its parameters; check DIST: do they keep their promises; doctor: what is broken"
    plugins = _verb(verbs, "plugins", "plugins:plugins", about)
    plugins.add_argument("what", nargs="?", choices=["list", "show", "check", "doctor"], default="list")
    plugins.add_argument("name", nargs="?")
    plugins.add_argument("--seconds", type=_positive, default=60.0, metavar="S", help="time limit per plugin")
    plugins.add_argument("--json", action="store_true")

    new = _verb(
        verbs, "new", "new:new", "new RECIPE DIR: a recipe and a model to edit; new plugin NAME --kinds model,loss"
    )
    new.add_argument("what", metavar="plugin|RECIPE")
    new.add_argument("folder", metavar="NAME|DIR")
    new.add_argument("--kinds", default="model,loss", metavar="KINDS", help="what the plugin brings")
    new.add_argument("--language", choices=["c", "numba"], default="c", help="of its kernel (default: c)")
    new.add_argument("--json", action="store_true")

    profile = _verb(verbs, "profile", "profile.verb:profile", "where a step's time goes, instruction by instruction")
    profile.add_argument("recipe", metavar="NAME|PATH", help="a recipe, a run, or a workload of powertrain bench")
    profile.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    profile.add_argument("--steps", type=_whole, default=20, metavar="N", help="profiled steps (default: 20)")
    about = "what a pass or a rewrite rule of the planner is worth: a step with and without it, in turns"
    profile.add_argument("--without", metavar="PASS", help=about)
    profile.add_argument("--top", type=_whole, default=20, metavar="N", help="the longest instructions (default: 20)")
    _trusting(profile)
    profile.add_argument("--precision", choices=("f32", "bf16", "f16"), help="of a workload (default: f32)")
    profile.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    where = Path("trace.json")
    profile.add_argument("--trace", type=Path, default=where, metavar="FILE", help=f"for Perfetto (default: {where})")
    profile.add_argument("--json", action="store_true", help="print one line of results, nothing else")

    verbs.add_parser("bench", help="time a training step: bench WORKLOAD", add_help=False)
    return found


def _tune(verbs: Any) -> None:
    about = "search for the best settings of a recipe, by many short runs (powertrain[tune])"
    tune = _verb(verbs, "tune", "tune:tune", about)
    tune.add_argument("recipe", metavar="NAME|PATH")
    about = 'what to search: "optimizer.lr=1e-4..1e-1 log", "model.use=mlp|cnn", or a .toml file of such'
    tune.add_argument("--space", action="append", default=[], metavar="KEY=RANGE|FILE", help=about)
    tune.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of all trials: change one setting"
    )
    tune.add_argument("--trials", type=_whole, default=20, metavar="N", help="how many there are in the end (default: "
                      "20); the same command with more goes on")  # fmt: skip
    tune.add_argument("--workers", type=_whole, default=1, metavar="N", help="trials at a time, each in a process that "
                      "gets its share of the threads (default: 1)")  # fmt: skip
    tune.add_argument("--metric", default="", metavar="NAME", help="of the validation part (default: what the recipe "
                      "watches, measures first, or its task's usual one)")  # fmt: skip
    tune.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn for the trials (default: 0); "
                      "one worker draws the same again")  # fmt: skip
    tune.add_argument("--no-prune", action="store_true", help="train every trial to its end, also those that are worse "
                      "than the median on the way")  # fmt: skip
    tune.add_argument("--study", type=Path, metavar="DIR", help="the folder of the search (default: studies/NAME); one "
                      "that has begun goes on")  # fmt: skip
    tune.add_argument("--max-minutes", type=_positive, metavar="M", help="stop and save after so long")
    _trusting(tune)
    tune.add_argument("--json", action="store_true", help="print one line of results at the end, nothing else")


def _running(takes: argparse.ArgumentParser) -> None:
    """Which run."""
    takes.add_argument("recipe", metavar="NAME|PATH")
    takes.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    _trusting(takes)
    takes.add_argument("--max-minutes", type=_positive, metavar="M", help="stop and save after so long")
    takes.add_argument("--threads", type=int, metavar="N", help="threads that compute (results do not depend on it)")
    takes.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, or auto: a GPU if there is one")


def _explain(verbs: Any) -> None:
    about = "draw why a trained run predicts what it does: columns, attributions, attention, nearest training examples"
    explained = _verb(verbs, "explain", "explain:explain", about)
    explained.add_argument("run", type=Path, metavar="DIR")
    explained.add_argument("asked", nargs="?", metavar="FILE|FOLDER|PART", help="examples as predict reads them; with "
                           "permutation the name of a part (default: test)")  # fmt: skip
    methods = ("gradients", "permutation", "attention", "nearest")
    explained.add_argument("--method", choices=methods, default=methods[0], help=f"default: {methods[0]}")
    explained.add_argument("--of", metavar="CLASS", help="the output that gradients explain (default: the largest)")
    explained.add_argument("--out", type=Path, metavar="FILE", help=".svg, .png or .pdf (default: in the run's folder)")
    _trusting(explained)


def _monitor(verbs: Any) -> None:
    about = "compare what a model is asked with what it was trained on: drift, data quality, late labels, alarms"
    monitor = _verb(verbs, "monitor", "monitor:monitor", about)
    monitor.add_argument("run", type=Path, metavar="DIR")
    monitor.add_argument("traffic", nargs="?", metavar="FILE",
                         help=".csv, .jsonl, .npz, - for JSON lines; without it, print the profile")  # fmt: skip
    monitor.add_argument(
        "--window", type=_whole, default=1000, metavar="N", help="examples that are compared at a time"
    )
    monitor.add_argument(
        "--rules", type=Path, metavar="FILE", help="a TOML file of [[rule]] and [[detector]]: when an alarm is raised"
    )
    monitor.add_argument("--webhook", metavar="URL", help="post each alarm to an http or https address")
    monitor.add_argument("--labels", type=Path, metavar="FILE", help="labels that came later, joined by id")
    monitor.add_argument("--id", default="id", metavar="NAME", help="the column of the ids (default: id)")
    monitor.add_argument("--label", metavar="NAME", help="the column of the labels (default: the target, or y)")
    monitor.add_argument("--out", type=Path, metavar="FILE", help="the page (default: DIR/monitor.html)")
    monitor.add_argument("--metrics", type=Path, metavar="FILE", help="write the state as Prometheus reads it")
    _trusting(monitor)
    monitor.add_argument("--json", action="store_true", help="print one line of results, nothing else")


def _retrain(verbs: Any) -> None:
    about = "train a challenger on new data, compare it with the run on the same examples, and promote it by a rule"
    retrain = _verb(verbs, "retrain", "retrain:retrain", about)
    retrain.add_argument("run", type=Path, metavar="DIR|models:/NAME@champion")
    retrain.add_argument("--with", dest="data", type=Path, required=True, metavar="FILE", help="new examples")
    retrain.add_argument("--policy", choices=["continue", "restart"], default="continue",
                         help="from the weights of the run, or anew (default: continue)")  # fmt: skip
    retrain.add_argument(
        "--test", type=Path, metavar="FILE", help="examples to compare on (default: a share of --with)"
    )
    retrain.add_argument("--share", type=_positive, default=0.3, metavar="S", help="that share (default: 0.3)")
    retrain.add_argument("--last", action="store_true", help="that share are the last examples, not random ones")
    retrain.add_argument("--rule", choices=["better", "not-worse", "never"], default="better",
                         help="promote where the interval of the difference is above 0, or above -margin")  # fmt: skip
    retrain.add_argument("--margin", type=float, default=0.01, metavar="M", help="of not-worse (default: 0.01)")
    retrain.add_argument("--name", metavar="NAME", help="register both under this name")
    retrain.add_argument("--run", dest="folder", type=Path, metavar="DIR", help="the folder of the challenger's run")
    retrain.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    _trusting(retrain)
    retrain.add_argument("--json", action="store_true", help="print one line of results, nothing else")


def _models(verbs: Any) -> None:
    about = "list models; register NAME RUN; promote NAME [VERSION]; rollback NAME; history [NAME]"
    models = _verb(verbs, "models", "models:models", about)
    what = ["list", "register", "promote", "rollback", "history"]
    models.add_argument("what", nargs="?", choices=what, default="list")
    models.add_argument("name", nargs="?", metavar="NAME")
    models.add_argument("which", nargs="?", metavar="RUN|VERSION")
    models.add_argument("--alias", metavar="ALIAS", help="such as champion (of promote: the default) or challenger")
    models.add_argument("--why", default="", metavar="TEXT", help="noted in the history")
    models.add_argument("--folder", type=Path, metavar="DIR", help="of the registry (default: models)")
    models.add_argument("--json", action="store_true")


def _export(verbs: Any) -> None:
    export = _verb(
        verbs, "export", "runs:export", "write a trained run for other programs, and compare it with the run"
    )
    export.add_argument("run", type=Path, metavar="DIR")
    _choosing(export)
    export.add_argument(
        "--to",
        required=True,
        metavar="NAME",
        help="an exporter: safetensors, c, wheel, or a plugin's, such as onnx; powertrain plugins list names all",
    )
    export.add_argument("--out", type=Path, metavar="PATH", help="the file or folder to write (default: here)")
    export.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the exporter")
    _trusting(export)
    export.add_argument("--json", action="store_true")


def _quantize(verbs: Any) -> None:
    about = "make a copy of a trained run with weights of 8 or 4 bits, and say what it costs"
    takes = _verb(verbs, "quantize", "quantize:quantize", about)
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("--bits", type=int, choices=[8, 4], default=8, help="of a weight (default: 8)")
    about = "inputs that share a scale (default: all with 8 bits, 64 with 4)"
    takes.add_argument("--group-size", type=_whole, metavar="N", help=about)
    about = "whether inputs are quantized too: each row by its largest number, or by known ranges (default: float)"
    takes.add_argument("--activations", choices=["float", "dynamic", "static"], default="float", help=about)
    about = "examples of the training part to find the ranges by (default: 256)"
    takes.add_argument("--examples", type=_whole, default=256, metavar="N", help=about)
    takes.add_argument("--skip", action="append", default=[], metavar="PATTERN", help="layers that stay as they are")
    about = "leave nothing where the metric gets worse by more"
    takes.add_argument("--tolerance", type=float, metavar="X", help=about)
    takes.add_argument("--out", type=Path, metavar="DIR", help="the folder of the new run (default: DIR-8bit)")
    _trusting(takes)
    takes.add_argument("--json", action="store_true")


def _generating(takes: argparse.ArgumentParser) -> None:
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("prompt", nargs="?", default="\n", metavar="TEXT|-", help="how it begins (default: a new line); "
                       "-: standard input")  # fmt: skip
    takes.add_argument("--max-new-tokens", type=_whole, default=400, metavar="N", help="at most (default: 400)")
    takes.add_argument("--temperature", type=float, default=0.8, metavar="T", help="0: the likeliest (default: 0.8)")
    takes.add_argument("--top-k", type=_whole, metavar="K", help="draw among the K likeliest tokens")
    takes.add_argument("--top-p", type=float, metavar="P", help="among the fewest whose probabilities reach P")
    takes.add_argument("--min-p", type=float, metavar="P", help="among those P times as likely as the likeliest")
    takes.add_argument("--repetition-penalty", type=float, default=1.0, metavar="X", help="above 1: repeat less")
    takes.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before this text")
    takes.add_argument("--seed", type=int, default=0, metavar="N", help="the same text for the same seed")
    _trusting(takes)
    takes.add_argument("--json", action="store_true", help="print one line with the text, nothing else")


def _sampling(takes: argparse.ArgumentParser) -> None:
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("--count", type=_whole, default=64, metavar="N", help="how many (default: 64)")
    takes.add_argument("--seed", type=int, default=0, metavar="N", help="the same examples for the same seed")
    takes.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the strategy")
    where = "a .npy of the examples, a .png of pictures, or what the strategy writes (default: samples.npy)"
    takes.add_argument("--out", type=Path, default=Path("samples.npy"), metavar="FILE", help=where)
    _trusting(takes)


def _suggest(verbs: Any) -> None:
    about = "look at a table, compare models on it, and write the recipe to train (powertrain-tabular)"
    suggest = _verb(verbs, "suggest", "suggest:suggest", about)
    suggest.add_argument("data", type=Path, metavar="DATA", help="a table: .csv, .tsv (.gz too), .parquet")
    suggest.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    suggest.add_argument("--minutes", type=_positive, default=5.0, metavar="M", help="time limit (default: 5)")
    suggest.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="that the model must not see")
    suggest.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="whatever it looks like")
    suggest.add_argument("--group", default="", metavar="COLUMN", help="whose rows stay together, such as patient")
    suggest.add_argument("--time", default="", metavar="COLUMN", help="learn from earlier rows, judge by later ones")
    suggest.add_argument("--metric", default="", metavar="NAME", help="to compare by (default: what suits the target)")
    suggest.add_argument("--sizes", action="store_true", help="also how much more rows would bring")
    suggest.add_argument("--cost-per-label", type=_positive, metavar="X", help="the same, and what it would cost")
    suggest.add_argument("--seed", type=_count, default=0, metavar="N", help="deals out the rows (default: 0)")
    suggest.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="how the file is read, such "
                         "as sep or date_format; task")  # fmt: skip
    suggest.add_argument("--out", type=Path, metavar="FILE", help="the recipe to write (default: named as DATA)")
    suggest.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    suggest.add_argument("--json", action="store_true", help="print one line of results, nothing else")


def _serve(verbs: Any) -> None:
    serve = _verb(verbs, "serve", "serve:serve", "answer requests over HTTP with trained runs (powertrain-serve)")
    serve.add_argument("runs", nargs="*", metavar="DIR", help="the folder of a run, or NAME=DIR; one for each model")
    serve.add_argument("--models", type=Path, metavar="FILE", help="versions and shares of the traffic, read again on "
                       "SIGHUP")  # fmt: skip
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: this machine "
                       "alone)")  # fmt: skip
    serve.add_argument("--port", type=int, default=8000, metavar="N", help="0: a free one, which the log names")
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="the bearer token that requests need; "
                       "or the environment: POWERTRAIN_SERVE_TOKEN")  # fmt: skip
    serve.add_argument("--no-auth", action="store_true", help="answer anybody, on any address")
    _trusting(serve)
    serve.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    serve.add_argument("--max-batch", type=_whole, default=64, metavar="N", help="examples that are computed at once")
    serve.add_argument("--max-wait", type=_positive, default=2.0, metavar="MS", help="milliseconds to wait for others")
    serve.add_argument("--max-body", type=_positive, default=16.0, metavar="MB", help="megabytes of a request")
    serve.add_argument("--max-examples", type=_whole, default=4096, metavar="N", help="examples of a request")
    serve.add_argument(
        "--max-tokens", type=_whole, default=8192, metavar="N", help="tokens of a request with its texts"
    )
    serve.add_argument("--max-queue", type=_whole, default=256, metavar="N", help="requests that may wait")
    serve.add_argument("--max-connections", type=_whole, default=512, metavar="N")
    serve.add_argument("--timeout", type=_positive, default=30.0, metavar="S", help="seconds for a request")
    serve.add_argument("--grace", type=_positive, default=30.0, metavar="S", help="seconds to finish in, after SIGTERM")
    serve.add_argument(
        "--rules", type=Path, metavar="FILE", help="a TOML file of [[rule]] and [[detector]]: when its monitor alarms"
    )
    serve.add_argument("--webhook", metavar="URL", help="post each alarm to an http or https address")
    serve.add_argument("--window", type=_whole, default=1000, metavar="N", help="examples that it compares at a time")
    serve.add_argument("--no-monitor", action="store_true", help="watch no model")
    serve.add_argument("--container-file", action="store_true", help="print a Containerfile for the run, and end")


def _watch(verbs: Any) -> None:
    watch = _verb(verbs, "watch", "serve:watch", "show runs while they train, on a page of this machine alone "
                  "(powertrain-serve)")  # fmt: skip
    about = "the folder of a run, or of several; new ones in it appear (default: runs)"
    watch.add_argument("runs", nargs="*", type=Path, metavar="RUN", help=about)
    watch.add_argument("--port", type=int, default=8100, metavar="N", help="0: a free one (default: 8100)")


def _verb(verbs: Any, name: str, action: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    return parser


def _trusting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", action="store_true", help="run code that lies in the folder of somebody else's run")


def _choosing(parser: argparse.ArgumentParser) -> None:
    about = "a checkpoint of `powertrain runs show DIR`: its round, last or best (default: what the run was judged by)"
    parser.add_argument("--checkpoint", metavar="WHICH", help=about)


def _changing(parser: argparse.ArgumentParser, what: str) -> None:
    about = f"{what} where the data has changed since the run began; it says what changed"
    parser.add_argument("--changed-data", action="store_true", help=about)


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"received {text}; expected a number > 0")
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"received {text}; expected a whole number from 0 to 2147483647")
    return int(text)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text}; expected a whole number > 0")
    return int(text)
