"""What the command takes: its verbs and their options. An action is named, since --help imports none of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from powertrain.cli.arguments import Parser


def parser() -> argparse.ArgumentParser:
    found = Parser(
        prog="powertrain",
        description="Train models from recipes; resume any run to the same numbers.",
        epilog="begin with: powertrain train digits",
    )
    found.add_argument("--version", action="store_true", help="print versions, kernels and threads, for a bug report")
    verbs = found.add_subparsers(dest="verb", metavar="VERB")

    train = _verb(verbs, "train", "train:train", "train a recipe, given by name or as a .toml file")
    _running(train)
    train.add_argument("--run", type=Path, metavar="DIR", help="the folder of the run (default: runs/NAME-N)")
    train.add_argument("--resume", action="store_true", help="continue --run, or the newest run of the recipe; "
                       "begin a new one if there is none")  # fmt: skip
    _changing(train, "with --resume: continue")
    train.add_argument("--workers", type=_whole, default=1, metavar="N", help="processes that share the run, a divisor "
                       "of run.shards (default: 1; results do not depend on it)")  # fmt: skip
    about = "let a Ray cluster start the workers: auto, HOST:PORT, or local, which starts one on this machine"
    train.add_argument("--ray", metavar="ADDRESS", help=about)
    about = "with --ray, when a worker is lost: go on with fewer, or wait for another one (default: fewer)"
    train.add_argument("--when-lost", choices=("fewer", "wait"), help=about)
    train.add_argument("--json", action="store_true", help="print one line of results at the end, nothing else")
    train.add_argument("--smoke", action="store_true", help="train two steps or one round only, to check the set-up")

    plan = _verb(verbs, "plan", "plan:plan", "estimate what a run will cost: time, memory, energy, disk")
    _running(plan)
    plan.add_argument("--price-per-hour", type=_positive, metavar="X", help="price of the machine per hour")
    plan.add_argument("--price-per-kwh", type=_positive, metavar="X", help="price of a kilowatt-hour")
    plan.add_argument(
        "--devices", type=_whole, metavar="N", help="also predict a step on up to N devices like this one"
    )
    about = "seconds before a message between two devices arrives (default: 5e-6)"
    plan.add_argument("--latency", type=_positive, default=5e-6, metavar="X", help=about)
    about = "bytes per second between two devices (default: 12.5e9, which is 100 Gbit/s)"
    plan.add_argument("--bandwidth", type=_positive, default=12.5e9, metavar="X", help=about)
    about = "relative deviation of the devices' times, such as 0.02 (default: none)"
    plan.add_argument("--spread", type=_positive, metavar="X", help=about)
    plan.add_argument("--json", action="store_true", help="print one line of figures, nothing else")

    _tune(verbs)

    about = "look for wrong labels, duplicates, outliers and leaks in the data of a recipe, and write a page"
    check = _verb(verbs, "check", "check:check", about)
    check.add_argument("recipe", metavar="NAME|PATH")
    about = "judge labels by the recipe's own model, trained once for each fold (default: a linear model)"
    check.add_argument("--train", action="store_true", help=about)
    check.add_argument("--folds", type=_whole, default=5, metavar="N", help="folds of cross-validation (default: 5)")
    about = "similarity (cosine) at which examples count as near duplicates (default: 0.99)"
    check.add_argument("--near", type=_positive, default=0.99, metavar="S", help=about)
    check.add_argument("--out", type=Path, metavar="FILE", help="the page to write (default: check-NAME.html)")
    _trusting(check)
    check.add_argument("--json", action="store_true", help="print one line of findings, nothing else")

    evaluate = _verb(verbs, "evaluate", "runs:evaluate", "measure a trained run again")
    evaluate.add_argument("run", type=Path, metavar="DIR")
    evaluate.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="a table with the column that is predicted, to measure in place of the run's data",
    )
    _choosing(evaluate)
    _changing(evaluate, "measure")
    _trusting(evaluate)
    evaluate.add_argument("--json", action="store_true")

    predict = _verb(verbs, "predict", "predict:predict", "predict with a trained run, from files of examples")
    predict.add_argument("run", type=Path, metavar="DIR")
    _choosing(predict)
    about = "examples of the kind that the run was trained on, such as a .csv, pictures, .npy, or the x of an .npz"
    predict.add_argument("file", type=Path, metavar="FILE|FOLDER|-", help=f"{about}; -: standard input")
    predict.add_argument("--out", type=Path, metavar="FILE", help="write predictions to a .csv, .jsonl or .parquet")
    about = "a column of the table to show beside each prediction; may be repeated"
    predict.add_argument("--id", action="append", default=[], metavar="COLUMN", help=about)
    predict.add_argument("--probabilities", action="store_true", help="print all probabilities, as --out and --json do")
    _trusting(predict)
    predict.add_argument("--json", action="store_true", help="print a JSON object for each example")

    _generating(_verb(verbs, "generate", "generate:generate", "continue a text with the run of a language model"))
    _sampling(_verb(verbs, "sample", "sample:sample", "draw new examples from the run of a generative model"))
    _explain(verbs)
    _suggest(verbs)
    _serve(verbs)
    _watch(verbs)

    about = "write report.html of a run again, its model card (--card), or a table of the runs in a folder (--all)"
    report = _verb(verbs, "report", "runs:report", about)
    about = "the folder of a run; with --all the folder of runs (default: runs)"
    report.add_argument("run", nargs="?", type=Path, metavar="DIR", help=about)
    report.add_argument("--all", action="store_true", help="write leaderboard.html: a sortable table of the runs")
    report.add_argument("--card", action="store_true", help="a model card: data, results, limits, energy, recipe")
    report.add_argument("--group", action="append", default=[], metavar="COLUMN", help="show results by its values")
    report.add_argument("--licence", default="", metavar="TEXT", help="licence of the data, for the card")
    _trusting(report)

    _monitor(verbs)
    _retrain(verbs)
    _models(verbs)
    _export(verbs)
    _quantize(verbs)
    _prune(verbs)

    about = "compare finished runs: scores, settings, and whether one is significantly better than the first"
    compare = _verb(verbs, "compare", "runs:compare", about)
    compare.add_argument("runs", nargs="+", type=Path, metavar="DIR", help="the folders of two or more runs")
    compare.add_argument("--confidence", type=float, default=0.95, metavar="C", help="of the interval (default: 0.95)")
    compare.add_argument("--json", action="store_true", help="print one line of results, nothing else")
    _trusting(compare)

    about = "list runs; show DIR: its checkpoints; diff A B; hash DIR: of all bits; prune DIR: delete old checkpoints"
    runs = _verb(verbs, "runs", "runs:runs", about)
    runs.add_argument("what", nargs="?", metavar="list|show|diff|hash|prune", default="list")
    runs.add_argument("folders", nargs="*", type=Path, metavar="DIR")
    about = "with prune: change a setting of run.keep, such as last=1"
    runs.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=about)
    runs.add_argument("--json", action="store_true")

    about = "list all recipes, including those not installed; show NAME: print one"
    recipes = _verb(verbs, "recipes", "recipes:recipes", about)
    recipes.add_argument("what", nargs="?", choices=["list", "show"], default="list")
    recipes.add_argument("name", nargs="?")
    recipes.add_argument("--json", action="store_true")

    about = "explain a key of a recipe (help run.stop), a public name (help pt.matmul) or print a page (help fit)"
    topics = _verb(verbs, "help", "help:help_on", about)
    topics.add_argument("topic", nargs="?", metavar="TOPIC")

    about = "list plugins; show NAME: its parameters; check DIST: test its plugins; doctor: find what is broken"
    plugins = _verb(verbs, "plugins", "plugins:plugins", about)
    plugins.add_argument("what", nargs="?", choices=["list", "show", "check", "doctor"], default="list")
    plugins.add_argument("name", nargs="?")
    plugins.add_argument(
        "--seconds", type=_positive, default=60.0, metavar="S", help="limit of processor time per plugin"
    )
    plugins.add_argument("--json", action="store_true")

    new = _verb(
        verbs, "new", "new:new", "new RECIPE DIR: a recipe and a model to edit; new plugin NAME --kinds model,loss"
    )
    new.add_argument("what", metavar="plugin|RECIPE")
    new.add_argument("folder", metavar="NAME|DIR")
    new.add_argument("--kinds", default="model,loss", metavar="KINDS", help="kinds of plugins (default: model,loss)")
    new.add_argument("--language", choices=["c", "numba"], default="c", help="language of a kernel (default: c)")
    new.add_argument("--json", action="store_true")

    profile = _verb(verbs, "profile", "profile.verb:profile", "show how long each instruction of a step takes")
    profile.add_argument("recipe", metavar="NAME|PATH", help="a recipe, a run, or a workload of powertrain bench")
    profile.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    profile.add_argument("--steps", type=_whole, default=20, metavar="N", help="steps to profile (default: 20)")
    about = "time the step with and without this pass or rewrite rule"
    profile.add_argument("--without", metavar="PASS", help=about)
    profile.add_argument("--top", type=_whole, default=20, metavar="N", help="instructions to list (default: 20)")
    _trusting(profile)
    profile.add_argument("--precision", choices=("f32", "bf16", "f16"), help="precision of a workload (default: f32)")
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
    about = 'what to search: "optimizer.lr=1e-4..1e-1 log", "model.use=mlp|cnn", or a .toml file with such lines'
    tune.add_argument("--space", action="append", default=[], metavar="KEY=RANGE|FILE", help=about)
    tune.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of all trials")
    tune.add_argument("--trials", type=_whole, default=20, metavar="N", help="trials in all (default: 20); a larger "
                      "number adds trials to a study")  # fmt: skip
    tune.add_argument("--workers", type=_whole, default=1, metavar="N", help="trials at a time, each in a process that "
                      "gets its share of the threads (default: 1)")  # fmt: skip
    tune.add_argument("--metric", default="", metavar="NAME", help="metric of the validation part (default: that of "
                      "run.stop, the first of evaluate.metrics, or the usual one of the task)")  # fmt: skip
    tune.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the search (default: 0)")
    tune.add_argument("--no-prune", action="store_true", help="train every trial to the end; without it, trials "
                      "worse than the median end early")  # fmt: skip
    tune.add_argument("--study", type=Path, metavar="DIR", help="folder of the search, which is continued if it "
                      "exists (default: studies/NAME)")  # fmt: skip
    tune.add_argument("--max-minutes", type=_positive, metavar="M", help="stop and save after M minutes")
    _trusting(tune)
    tune.add_argument("--json", action="store_true", help="print one line of results at the end, nothing else")


def _running(takes: argparse.ArgumentParser) -> None:
    """Which run."""
    takes.add_argument("recipe", metavar="NAME|PATH")
    takes.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    _trusting(takes)
    takes.add_argument("--max-minutes", type=_positive, metavar="M", help="stop and save after M minutes")
    takes.add_argument("--threads", type=int, metavar="N", help="threads that compute (results do not depend on it)")
    takes.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, or auto: a GPU if there is one")


def _explain(verbs: Any) -> None:
    about = "explain the predictions of a run: columns and words that count, attention, nearest examples, a map"
    explained = _verb(verbs, "explain", "explain:explain", about)
    explained.add_argument("run", type=Path, metavar="DIR")
    explained.add_argument("asked", nargs="?", metavar="FILE|FOLDER|PART", help="examples as predict reads them; with "
                           "permutation and map the name of a part (default: test)")  # fmt: skip
    methods = ("gradients", "occlusion", "permutation", "attention", "nearest", "map")
    explained.add_argument("--method", choices=methods, default=methods[0], help=f"default: {methods[0]}")
    explained.add_argument("--of", metavar="CLASS", help="the output that is explained (default: the largest)")
    explained.add_argument("--out", type=Path, metavar="FILE", help=".svg, .png or .pdf (default: in the run's folder)")
    _trusting(explained)


def _monitor(verbs: Any) -> None:
    about = "compare the inputs of a model in use with its training data: drift, data quality, late labels, alarms"
    monitor = _verb(verbs, "monitor", "monitor:monitor", about)
    monitor.add_argument("run", type=Path, metavar="DIR")
    monitor.add_argument("traffic", nargs="?", metavar="FILE",
                         help=".csv, .jsonl, .npz, or - for JSON lines; without it, print the profile")  # fmt: skip
    monitor.add_argument("--window", type=_whole, default=1000, metavar="N", help="examples to compare (default: 1000)")
    monitor.add_argument("--rules", type=Path, metavar="FILE", help="a TOML file of [[rule]] and [[detector]]: alarms")
    monitor.add_argument("--webhook", metavar="URL", help="post each alarm to an http or https address")
    monitor.add_argument("--labels", type=Path, metavar="FILE", help="labels that came later, joined by id")
    monitor.add_argument("--id", default="id", metavar="NAME", help="the column of the ids (default: id)")
    monitor.add_argument("--label", metavar="NAME", help="the column of the labels (default: the target, or y)")
    monitor.add_argument("--out", type=Path, metavar="FILE", help="the page to write (default: DIR/monitor.html)")
    monitor.add_argument("--metrics", type=Path, metavar="FILE", help="write the state in the format of Prometheus")
    _trusting(monitor)
    monitor.add_argument("--json", action="store_true", help="print one line of results, nothing else")


def _retrain(verbs: Any) -> None:
    about = "train a challenger on new data, compare it with the run on the same examples, and promote it by a rule"
    retrain = _verb(verbs, "retrain", "retrain:retrain", about)
    retrain.add_argument("run", type=Path, metavar="DIR|models:/NAME@champion")
    retrain.add_argument("--with", dest="data", type=Path, required=True, metavar="FILE", help="new examples")
    retrain.add_argument("--policy", choices=["continue", "restart"], default="continue",
                         help="continue from the weights of the run, or restart (default: continue)")  # fmt: skip
    retrain.add_argument("--test", type=Path, metavar="FILE", help="examples to compare on (default: part of --with)")
    retrain.add_argument("--share", type=_positive, default=0.3, metavar="S", help="size of that part (default: 0.3)")
    retrain.add_argument("--last", action="store_true", help="take its last examples, not random ones")
    retrain.add_argument("--rule", choices=["better", "not-worse", "never"], default="better",
                         help="promote if the interval of the difference is above 0, or above -margin")  # fmt: skip
    retrain.add_argument("--margin", type=float, default=0.01, metavar="M", help="margin of not-worse (default: 0.01)")
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
    models.add_argument("--alias", metavar="ALIAS", help="such as champion (the default of promote) or challenger")
    models.add_argument("--why", default="", metavar="TEXT", help="a reason, for the history")
    about = "folder of the registry, or mlflow or mlflow:URI (default: $POWERTRAIN_MODELS, or models)"
    models.add_argument("--folder", metavar="DIR", help=about)
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
        help="safetensors, c, wheel, or an exporter of a plugin, such as onnx; list all with: powertrain plugins list",
    )
    export.add_argument("--out", type=Path, metavar="PATH", help="the file or folder to write (default: here)")
    export.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the exporter")
    _trusting(export)
    export.add_argument("--json", action="store_true")


def _quantize(verbs: Any) -> None:
    about = "copy a trained run with weights of 8 or 4 bits, and measure the loss of quality"
    takes = _verb(verbs, "quantize", "quantize:quantize", about)
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("--bits", type=int, choices=[8, 4], default=8, help="bits of a weight (default: 8)")
    about = "inputs that share a scale (default: all with 8 bits, 64 with 4)"
    takes.add_argument("--group-size", type=_whole, metavar="N", help=about)
    about = "quantize inputs too: dynamic by the largest number of a row, static by known ranges (default: float)"
    takes.add_argument("--activations", choices=["float", "dynamic", "static"], default="float", help=about)
    about = "training examples from which static finds the ranges (default: 256)"
    takes.add_argument("--examples", type=_whole, default=256, metavar="N", help=about)
    takes.add_argument("--skip", action="append", default=[], metavar="PATTERN", help="layers to leave as they are")
    about = "write no run if the metric gets worse by more than this"
    takes.add_argument("--tolerance", type=float, metavar="X", help=about)
    takes.add_argument("--out", type=Path, metavar="DIR", help="the folder of the new run (default: DIR-8bit)")
    _trusting(takes)
    takes.add_argument("--json", action="store_true")


def _prune(verbs: Any) -> None:
    about = "copy a trained run with weights of zero, train it on, and measure the loss of quality"
    takes = _verb(verbs, "prune", "prune:prune", about)
    takes.add_argument("run", type=Path, metavar="DIR")
    about = "share of the weights to prune; several make a run each, and a table (default: 0.5)"
    takes.add_argument("--sparsity", type=float, nargs="+", default=[0.5], metavar="S", help=about)
    about = "prune whole units and channels, and make the layers smaller"
    takes.add_argument("--structured", action="store_true", help=about)
    about = 'how long to train on, such as "2 epochs" (default: a third of the run)'
    takes.add_argument("--until", metavar="DURATION", help=about)
    takes.add_argument("--skip", action="append", default=[], metavar="PATTERN", help="layers to leave as they are")
    about = "write no run if the metric gets worse by more than this"
    takes.add_argument("--tolerance", type=float, metavar="X", help=about)
    takes.add_argument("--out", type=Path, metavar="DIR", help="the folder of the new run (default: DIR-pruned-50)")
    _trusting(takes)
    takes.add_argument("--json", action="store_true")


def _generating(takes: argparse.ArgumentParser) -> None:
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("prompt", nargs="?", default="\n", metavar="TEXT|-", help="the beginning (default: a new line); "
                       "-: standard input")  # fmt: skip
    takes.add_argument("--max-new-tokens", type=_whole, default=400, metavar="N", help="at most (default: 400)")
    takes.add_argument("--temperature", type=float, default=0.8, metavar="T", help="0: the likeliest (default: 0.8)")
    takes.add_argument("--top-k", type=_whole, metavar="K", help="draw among the K likeliest tokens")
    takes.add_argument("--top-p", type=float, metavar="P", help="among the fewest tokens that reach probability P")
    takes.add_argument("--min-p", type=float, metavar="P", help="among tokens P times as likely as the likeliest")
    takes.add_argument("--repetition-penalty", type=float, default=1.0, metavar="X", help="above 1: repeat less")
    takes.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before this text")
    takes.add_argument("--seed", type=int, default=0, metavar="N", help="the same text for the same seed")
    _trusting(takes)
    takes.add_argument("--json", action="store_true", help="print one line with the text, nothing else")


def _sampling(takes: argparse.ArgumentParser) -> None:
    takes.add_argument("run", type=Path, metavar="DIR")
    takes.add_argument("--count", type=_whole, default=64, metavar="N", help="number of examples (default: 64)")
    takes.add_argument("--seed", type=int, default=0, metavar="N", help="the same examples for the same seed")
    takes.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the strategy")
    where = "a .npy file, a .png file of pictures, or a format of the strategy (default: samples.npy)"
    takes.add_argument("--out", type=Path, default=Path("samples.npy"), metavar="FILE", help=where)
    _trusting(takes)


def _suggest(verbs: Any) -> None:
    about = "look at a table, compare models on it, and write the recipe to train (powertrain-tabular)"
    suggest = _verb(verbs, "suggest", "suggest:suggest", about)
    suggest.add_argument("data", type=Path, metavar="DATA", help="a table: .csv, .tsv (.gz too), .parquet")
    suggest.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    suggest.add_argument("--minutes", type=_positive, default=5.0, metavar="M", help="time limit (default: 5)")
    suggest.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="hide it from the model")
    suggest.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="use it even if it may leak")
    suggest.add_argument("--group", default="", metavar="COLUMN", help="rows that stay together, such as patient")
    suggest.add_argument("--time", default="", metavar="COLUMN", help="train on earlier rows, test on later ones")
    suggest.add_argument("--metric", default="", metavar="NAME", help="to compare by (default: depends on the target)")
    suggest.add_argument("--sizes", action="store_true", help="also estimate the gain from more rows")
    suggest.add_argument("--cost-per-label", type=_positive, metavar="X", help="as --sizes, with the cost of the rows")
    suggest.add_argument("--seed", type=_count, default=0, metavar="N", help="seed of the folds (default: 0)")
    suggest.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting for reading the "
                         "file, such as sep or date_format; or task")  # fmt: skip
    suggest.add_argument("--out", type=Path, metavar="FILE", help="the recipe to write (default: named after DATA)")
    suggest.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    suggest.add_argument("--json", action="store_true", help="print one line of results, nothing else")


def _serve(verbs: Any) -> None:
    serve = _verb(verbs, "serve", "serve:serve", "answer requests over HTTP with trained runs (powertrain-serve)")
    serve.add_argument("runs", nargs="*", metavar="DIR", help="the folder of a run, or NAME=DIR; one for each model")
    serve.add_argument("--models", type=Path, metavar="FILE", help="a TOML file of versions and their shares of the "
                       "traffic; SIGHUP reads it again")  # fmt: skip
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: this "
                       "machine only)")  # fmt: skip
    serve.add_argument("--port", type=int, default=8000, metavar="N", help="0: any free port (default: 8000)")
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="file with the token that requests need; "
                       "or set POWERTRAIN_SERVE_TOKEN")  # fmt: skip
    serve.add_argument("--no-auth", action="store_true", help="need no token, on any address")
    _trusting(serve)
    serve.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    serve.add_argument("--max-batch", type=_whole, default=64, metavar="N", help="examples per batch (default: 64)")
    serve.add_argument("--max-wait", type=_positive, default=2.0, metavar="MS", help="wait for others (default: 2)")
    serve.add_argument("--max-body", type=_positive, default=16.0, metavar="MB", help="size of a request (default: 16)")
    serve.add_argument("--max-examples", type=_whole, default=4096, metavar="N", help="of a request (default: 4096)")
    serve.add_argument("--max-tokens", type=_whole, default=8192, metavar="N", help="of a request (default: 8192)")
    serve.add_argument("--max-queue", type=_whole, default=256, metavar="N", help="waiting requests (default: 256)")
    serve.add_argument("--max-connections", type=_whole, default=512, metavar="N", help="at a time (default: 512)")
    serve.add_argument("--timeout", type=_positive, default=30.0, metavar="S", help="time for a request (default: 30)")
    serve.add_argument("--grace", type=_positive, default=30.0, metavar="S", help="time to end in (default: 30)")
    serve.add_argument("--rules", type=Path, metavar="FILE", help="a TOML file of [[rule]] and [[detector]]: alarms")
    serve.add_argument("--webhook", metavar="URL", help="post each alarm to an http or https address")
    serve.add_argument("--window", type=_whole, default=1000, metavar="N", help="examples to compare (default: 1000)")
    serve.add_argument("--no-monitor", action="store_true", help="switch the monitor off")
    serve.add_argument("--container-file", action="store_true", help="print a Containerfile for the run, and exit")


def _watch(verbs: Any) -> None:
    watch = _verb(verbs, "watch", "serve:watch", "show runs while they train, on a page for this machine only "
                  "(powertrain-serve)")  # fmt: skip
    about = "the folder of a run, or a folder of runs, whose new runs appear (default: runs)"
    watch.add_argument("runs", nargs="*", type=Path, metavar="RUN", help=about)
    watch.add_argument("--port", type=int, default=8100, metavar="N", help="0: any free port (default: 8100)")


def _verb(verbs: Any, name: str, action: str, text: str) -> argparse.ArgumentParser:
    parser: Parser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    return parser


def _trusting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", action="store_true", help="run code from the folder of somebody else's run")


def _choosing(parser: argparse.ArgumentParser) -> None:
    about = "a round of `powertrain runs show DIR`, last or best (default: the one that the run was evaluated at)"
    parser.add_argument("--checkpoint", metavar="WHICH", help=about)


def _changing(parser: argparse.ArgumentParser, what: str) -> None:
    about = f"{what} although the data has changed since the run began; prints what changed"
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
