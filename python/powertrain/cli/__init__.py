"""The command `powertrain`. Everything heavy is imported by the verb that needs it, so that --help is quick."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.console import complain, one_line, say, silence
from powertrain.io.plain_json import dumps

if TYPE_CHECKING:
    from powertrain.recipe import Recipe
    from powertrain.train.session import Outcome

FINE, MISSED, USER, OURS = 0, 1, 2, 3
BY_SIGNAL = 128  # and the number of the signal, as shells have it: 130 Ctrl-C, 141 nobody reads the output, 143 SIGTERM
RUNS = Path("runs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is 0 fine, 1 an expectation missed, 2 the user's mistake, 3 ours, or above 128 what
    a signal ended."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bench"]:  # it reads its own arguments
        return _guarded(lambda: _bench(given[1:]))
    parser = _parser()
    options = parser.parse_args(given)
    if options.verb is None:
        parser.print_help()
        return FINE
    return _guarded(lambda: int(options.action(options)))


def _guarded(action: Callable[[], int]) -> int:
    """Run an action; mistakes of the user become one message, ours a traceback and how to report it."""
    try:
        code = action()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        complain("stopped; what was saved stands, and powertrain train with --resume goes on from there")
        return BY_SIGNAL + (error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        silence(sys.stdout)  # the reader went away, for example `head`; nothing is left to say
        return BY_SIGNAL + signal.SIGPIPE
    except Exception as error:
        if said := _users(error):
            complain(said)
            return USER
        import traceback

        from powertrain.plugin.blame import blame

        complain(traceback.format_exc().rstrip())
        if told := blame(error):
            complain(told)
            return USER
        complain("this is a fault of powertrain; please report it with the lines above")
        return OURS


def _users(error: Exception) -> str:
    """What an error says that the user can fix; nothing where it is none of those."""
    if isinstance(error, OSError):
        name = str(error.filename)
        name = name if len(name) <= 200 else f"{name[:197]}..."
        wanted = "expected a path that can be read or written; check it and its rights"
        return f"[{name}] {error.strerror}; {wanted}" if error.filename is not None else ""
    if isinstance(error, MemoryError):
        return f"[memory] {error}; expected sizes that fit; use a smaller batch or model"
    ours = any(kind.__module__.startswith("powertrain") for kind in type(error).__mro__)
    return str(error) if ours and (str(error).startswith("[") or type(error).__name__ == "PluginError") else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="powertrain",
        description="Train models from recipes; resume any run to the same numbers.",
        epilog="begin with: powertrain train digits",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    train = _verb(verbs, "train", _train, "train a recipe, given by name or as a .toml file")
    train.add_argument("recipe", metavar="NAME|PATH")
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    train.add_argument("--run", type=Path, metavar="DIR", help="the folder of the run (default: runs/NAME-N)")
    train.add_argument("--resume", action="store_true", help="go on with --run, or with the newest run of the recipe; "
                       "where there is none yet, begin")  # fmt: skip
    _trusting(train)
    train.add_argument("--json", action="store_true", help="print one line of results at the end, nothing else")
    train.add_argument("--smoke", action="store_true", help="two steps or a round, to see that all fits together")
    train.add_argument("--max-minutes", type=_positive, metavar="M", help="stop and save after so long")
    train.add_argument("--threads", type=int, metavar="N", help="threads that compute (results do not depend on it)")

    evaluate = _verb(verbs, "evaluate", _evaluate, "measure a trained run again")
    evaluate.add_argument("run", type=Path, metavar="DIR")
    _trusting(evaluate)
    evaluate.add_argument("--json", action="store_true")

    predict = _verb(verbs, "predict", _predict, "the answers of a trained run for a file of examples, or of text")
    predict.add_argument("run", type=Path, metavar="DIR")
    predict.add_argument("file", type=Path, metavar="FILE", help=".npy, .npz (its x), or a text to continue")
    _trusting(predict)
    predict.add_argument("--json", action="store_true")

    report = _verb(verbs, "report", _report, "write report.html of a finished run again")
    report.add_argument("run", type=Path, metavar="DIR")
    _trusting(report)

    runs = _verb(verbs, "runs", _runs, "list runs, or print the hash of one: runs hash DIR")
    runs.add_argument("what", nargs="?", choices=["list", "hash"], default="list")
    runs.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    runs.add_argument("--json", action="store_true")

    about = "list all recipes by what they teach, also those that are not installed; show NAME: the text of one"
    recipes = _verb(verbs, "recipes", _recipes, about)
    recipes.add_argument("what", nargs="?", choices=["list", "show"], default="list")
    recipes.add_argument("name", nargs="?")
    recipes.add_argument("--json", action="store_true")

    explained = _verb(verbs, "help", _help, "explain a key of a recipe: help run.stop")
    explained.add_argument("key", nargs="?", metavar="KEY")

    about = "list plugins; show NAME: its parameters; check DIST: do they keep their promises; doctor: what is broken"
    plugins = _verb(verbs, "plugins", _plugins, about)
    plugins.add_argument("what", nargs="?", choices=["list", "show", "check", "doctor"], default="list")
    plugins.add_argument("name", nargs="?")
    plugins.add_argument("--seconds", type=_positive, default=60.0, metavar="S", help="most time for one plugin")
    plugins.add_argument("--json", action="store_true")

    new = _verb(verbs, "new", _new, "new RECIPE DIR: a recipe and a model to edit; new plugin NAME --kinds model,loss")
    new.add_argument("what", metavar="plugin|RECIPE")
    new.add_argument("folder", metavar="NAME|DIR")
    new.add_argument("--kinds", default="model,loss", metavar="KINDS", help="what the plugin brings")
    new.add_argument("--language", choices=["c", "numba"], default="c", help="of its kernel (default: c)")
    new.add_argument("--json", action="store_true")

    profile = _verb(verbs, "profile", _profile, "where a step's time goes, instruction by instruction")
    profile.add_argument("recipe", metavar="NAME|PATH", help="a recipe, or a workload of powertrain bench")
    profile.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting")
    profile.add_argument("--steps", type=_whole, default=20, metavar="N", help="profiled steps (default: 20)")
    profile.add_argument("--top", type=_whole, default=20, metavar="N", help="the longest instructions (default: 20)")
    _trusting(profile)
    profile.add_argument("--precision", choices=("f32", "bf16", "f16"), help="of a workload (default: f32)")
    profile.add_argument("--threads", type=_whole, metavar="N", help="threads that compute")
    where = Path("trace.json")
    profile.add_argument("--trace", type=Path, default=where, metavar="FILE", help=f"for Perfetto (default: {where})")
    profile.add_argument("--json", action="store_true", help="print one line of results, nothing else")

    verbs.add_parser("bench", help="time a training step: bench WORKLOAD", add_help=False)
    return parser


def _verb(verbs: Any, name: str, action: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    return parser


def _trusting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", action="store_true", help="run code that lies in the folder of somebody else's run")


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"received {text}; expected a number > 0")
    return value


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"received {text}; expected a whole number > 0")
    return int(text)


def _train(options: argparse.Namespace) -> int:
    from powertrain.recipe import load_recipe
    from powertrain.train.display.display import Display
    from powertrain.train.session import train

    settings = list(options.set)
    if options.smoke:
        unit = load_recipe(options.recipe, settings, trust=options.trust).run.until.unit
        settings += [f"run.until={'1 round' if unit == 'rounds' else '2 steps'}", "expect={}"]
    if options.threads is not None:
        settings.append(f"run.threads={options.threads}")
    recipe = load_recipe(options.recipe, settings, trust=options.trust)
    path = _run_folder(options, recipe)
    outcome = train(recipe, path, resume=options.resume, display=Display(options.json), max_minutes=options.max_minutes)
    if options.json:
        say(dumps(outcome.results), flush=True)
    return _exit_code(outcome)


def _exit_code(outcome: Outcome) -> int:
    if outcome.signal:
        return BY_SIGNAL + outcome.signal
    if not outcome.saved:
        return USER
    return FINE if outcome.met else MISSED


def _run_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    from powertrain.train.folder.run_folder import latest_folder, new_folder

    if options.run is not None:
        return Path(options.run)
    latest = latest_folder(RUNS, recipe.name) if options.resume else None
    return latest or new_folder(RUNS, recipe.name)


def _evaluate(options: argparse.Namespace) -> int:
    from powertrain.train.evaluate.review import evaluate

    return evaluate(options.run, options.json, options.trust)


def _predict(options: argparse.Namespace) -> int:
    from powertrain.train.evaluate.predict import predict

    return predict(options.run, options.file, options.json, options.trust)


def _report(options: argparse.Namespace) -> int:
    from powertrain.train.evaluate.review import rewrite_report

    say(rewrite_report(options.run, options.trust))
    return FINE


def _runs(options: argparse.Namespace) -> int:
    from powertrain.train.evaluate.review import list_runs, run_hash
    from powertrain.train.folder.run_folder import RunError

    if options.what == "hash":
        if options.folder is None:
            raise RunError("[runs hash] received no folder; expected one; powertrain runs lists them")
        say(run_hash(options.folder))
        return FINE
    rows = list_runs(options.folder or RUNS)
    if options.json:
        say(dumps(rows))
        return FINE
    for row in rows:
        say(one_line(f"{row['run']:<24} {row['state']:<12} {row['steps']:>9,} steps  {row['summary']}"))
    if not rows:
        say(f"no runs in {options.folder or RUNS}; begin with: powertrain train digits")
    return FINE


def _recipes(options: argparse.Namespace) -> int:
    from powertrain.plugin import PluginError, registry
    from powertrain.recipe.catalog import as_json, catalog, text_of

    if options.what == "show":
        if options.name is None:
            raise PluginError("[recipes show] received no name; expected one; powertrain recipes lists them")
        text = text_of(options.name, registry())
        say(dumps({"name": options.name, "text": text}) if options.json else text.rstrip())
        return FINE
    found = catalog(registry())
    if options.json:
        say(dumps(as_json(found)))
        return FINE
    for recipe in found:
        say(one_line(recipe.line()))
    return FINE


def _help(options: argparse.Namespace) -> int:
    from powertrain.recipe.reference import explain, overview

    say(explain(options.key) if options.key else overview())
    return FINE


def _plugins(options: argparse.Namespace) -> int:
    from powertrain.cli.plugins import plugins

    return plugins(options)


def _new(options: argparse.Namespace) -> int:
    from powertrain.cli.plugins import new

    return new(options)


def _profile(options: argparse.Namespace) -> int:
    import powertrain as pt
    from powertrain.cli.profile import table, targets, trace

    if options.threads is not None:
        pt.set_threads(options.threads)
    profiles = targets.profile(options.recipe, options.set, options.steps, options.precision, options.trust)
    trace.write(options.trace, profiles)
    if options.json:
        say(dumps({"trace": str(options.trace), "steps": [table.as_json(one) for one in profiles]}))
        return FINE
    for one in profiles:
        say(table.text(one, options.top) + "\n")
    say(f"trace  {options.trace}: open it at https://ui.perfetto.dev")
    return FINE


def _bench(arguments: list[str]) -> int:
    from powertrain.cli.bench import main as bench

    return int(bench(arguments) or 0)
