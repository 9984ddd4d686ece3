"""Checks of recipes: files without mistakes, whose run can be built and measured on a few of its own examples."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from powertrain.conformance.finding import Finding, Subject
from powertrain.data import DataError
from powertrain.plugin.first_party import FIRST_PARTY
from powertrain.plugin.registry import ENGINE, registry

MEASURED = 32  # examples


def check_recipe(subject: Subject) -> Iterator[Finding]:
    from powertrain.recipe import load_recipe

    if not isinstance(subject.plugin, (str, Path)):
        yield subject.finding(
            "recipe",
            f"it is a {type(subject.plugin).__name__}",
            "the path of a TOML file",
            'write it = Path(__file__).with_name("it.toml")',
        )
        return
    try:
        recipe = load_recipe(str(subject.plugin))
    except Exception as error:
        yield subject.finding(
            "recipe", f"it cannot be read: {str(error).splitlines()[0]}", "a recipe without mistakes", "fix the file"
        )
        return
    yield from _short_names(subject, recipe)
    with tempfile.TemporaryDirectory() as folder:
        try:
            _measure(recipe, Path(folder))
        except DataError as error:
            yield _of_data(subject, recipe, error)
        except Exception as error:
            yield subject.raised(f"a run that measures {MEASURED} of its examples", error)


def _short_names(subject: Subject, recipe: Any) -> Iterator[Finding]:
    """Names that a second distribution could take, after which the recipe is refused. The engine knows those of
    first-party distributions."""
    distribution = subject.name.partition("/")[0]
    if distribution.removeprefix(f"{ENGINE}-") in (ENGINE, *FIRST_PARTY):
        return
    of_engine = {plugin.name for plugin in registry().plugins() if plugin.distribution == ENGINE}
    own = {plugin.name for plugin in registry().plugins() if plugin.distribution == distribution} - of_engine
    named = [*(use.name for use in recipe.uses()), *(recipe.evaluate.metrics or ())]
    if short := list(dict.fromkeys(name for name in named if name in own)):
        yield subject.finding(
            "short-name",
            f"it names {', '.join(short)} of its own distribution without it",
            "a name that no other distribution can offer too",
            f'write "{distribution}/{short[0]}" before you publish it',
        )


def _measure(recipe: Any, folder: Path) -> None:
    """Everything that the recipe names, made and called once; nothing is trained."""
    from powertrain.train.building import build
    from powertrain.train.display.display import Display
    from powertrain.train.folder.run_folder import RunFolder

    run = build(recipe, RunFolder(folder / "run"), Display(quiet=True))
    try:
        run.strategy.setup(run)
        run.evaluations.prepare()
        parts = [part for part in ("valid", "test") if part in run.dataset.splits]
        if run.evaluations.evaluator is not None and parts:
            run.evaluations.evaluator(parts[0], most=MEASURED)
    finally:
        run.close()


def _of_data(subject: Subject, recipe: Any, error: DataError) -> Finding:
    """Files that the recipe names beside it have to be there; others are for who trains it to bring."""
    folder = recipe.path.resolve().parent
    named = [value for use in recipe.uses() for value in vars(use.params).values() if isinstance(value, Path)]
    own = [path for path in named if not path.is_absolute()]
    missing = [path for path in own if not (folder / path).exists()]
    if missing:
        return subject.finding(
            "recipe",
            f"it names {missing[0]}, which is not in the folder of the recipe",
            "a file that is installed with it",
            "put it there, and name it in [tool.setuptools.package-data]",
        )
    if own:
        return subject.finding("recipe", f"its data raised {error}", "data that can be read", "fix the file or recipe")
    return subject.finding("not-here", f"it could not be tried: {error}", "its data", "bring them, and check again")
