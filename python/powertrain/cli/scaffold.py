"""`powertrain new`: a distribution of plugins that builds, installs and passes its own tests, or a recipe with a model
of one's own beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from powertrain import _core
from powertrain.plugin.registry import PluginError
from powertrain.plugin.versions import from_to
from powertrain.plugin.wording import suggestion

LANGUAGES = ("c", "numba")  # that a kernel can be written in
# What each template defines.
OBJECTS = {
    "model": "Net",
    "loss": "loss",
    "data": "Rings",
    "transform": "Centre",
    "env": "Corridor",
    "strategy": "Averaged",
    "optimizer": "Signed",
    "schedule": "falling",
    "metric": "TopK",
    "callback": "GoodEnough",
    "kernel": "swish",
    "task": "Amounts",
    "exporter": "Arrays",
    "recipe": "recipe",
}
TEMPLATES = Path(__file__).with_name("templates")
PROJECT = """\
[build-system]
requires = [{requires}]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "0.1.0"
description = "Plugins for powertrain: {kinds}"
readme = "README.md"
requires-python = ">=3.10"
dependencies = ["{engine}{bounds}"]

[project.optional-dependencies]
test = ["pytest"]

[tool.setuptools.packages.find]
where = ["src"]
{data}{entries}"""
# Without it a wheel has the Python files alone.
PACKAGE_DATA = """
[tool.setuptools.package-data]
{module} = ["*.toml"]
"""
# What a kernel in C needs beside the rest: a C library that is built where the distribution is installed.
SETUP = """\
\"""Builds the library of the kernel, with the compiler of the system.\"""

import powertrain
from setuptools import Extension, setup

# Without contraction, an element rounds alike in vector code and in the code of its last few.
setup(
    ext_modules=[
        Extension(
            "{module}._kernel",
            ["src/{module}/kernel.c"],
            include_dirs=[powertrain.get_include()],
            extra_compile_args=["-O3", "-ffp-contract=off"],
        )
    ]
)
"""
INSTALL = "pip install -e {folder}"
# A kernel in C is compiled against the header of the powertrain that is installed, which an isolated build would not
# see; so what builds it has to be there, and setuptools makes wheels by itself from 70.1 on.
INSTALL_C = 'pip install "setuptools>=70.1" && pip install --no-build-isolation -e {folder}'
WHY_C = """
The kernel is compiled against the header of the powertrain that is installed. `--no-build-isolation` lets the build
see it; without it, pip builds in an environment of its own. After a change of `kernel.c`, install again.
"""
README = """\
# {name}

Plugins for powertrain: {kinds}.

    {install}
    powertrain plugins check {name}
    powertrain train {recipe}
    pytest
{why}
Each file of `src/{module}` is one plugin; `pyproject.toml` names it by an entry point. The part before `=` is what
recipes write: change it, and install again. `{example}` uses those that one recipe can use.
"""


def new_plugin(name: str, kinds: Sequence[str], folder: Path, language: str = "c") -> list[Path]:
    """Write a distribution, its kernel in one of LANGUAGES; the files that it has."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or name == "powertrain":
        raise PluginError(
            f"[new plugin] received {name}; expected a name of lower-case letters, digits and single hyphens; for "
            "example acme-learning"
        )
    for kind in kinds:
        if kind not in OBJECTS:
            raise PluginError(
                f"[new plugin --kinds] received {kind or 'nothing'}; expected some of {', '.join(OBJECTS)}"
                f"{suggestion(kind, OBJECTS)}"
            )
    if language not in LANGUAGES or (language != "c" and "kernel" not in kinds):
        raise PluginError(
            f"[new plugin --language] received {language} for {', '.join(kinds)}; expected {' or '.join(LANGUAGES)} "
            "for a kernel; add kernel to --kinds, or leave --language out"
        )
    in_c, in_numba = ("kernel" in kinds and language == one for one in LANGUAGES)
    module = name.replace("-", "_")
    entries = "".join(
        f'\n[project.entry-points."powertrain.v1.{kind}"]\n{name} = "{module}.{kind}:{OBJECTS[kind]}"\n'
        for kind in kinds
    )
    # A recipe that is a plugin itself is named as the distribution is, and its runs after it.
    example = f"src/{module}/{name}.toml" if "recipe" in kinds else "example.toml"
    words = {
        "name": name,
        "module": module,
        "kinds": ", ".join(kinds),
        "entries": entries,
        "bounds": from_to(_core.__version__),
        "engine": "powertrain[numba]" if in_numba else "powertrain",
        "requires": '"setuptools>=70.1", "powertrain"' if in_c else '"setuptools>=64"',
        "install": install_line(kinds, '".[test]"', language),
        "data": PACKAGE_DATA.format(module=module) if "recipe" in kinds else "",
        "recipe": recipe_to_train(name, kinds, Path()),
        "example": example,
        "why": WHY_C if in_c else "",
    }
    files = {
        "pyproject.toml": PROJECT.format(**words),
        "README.md": README.format(**words),
        example: _example(name, kinds),
        f"src/{module}/__init__.py": f'"""Plugins for powertrain: {words["kinds"]}."""\n',
        "tests/test_plugins.py": _template("tests.py").replace("the-distribution", name),
        **{f"src/{module}/{kind}.py": _template(f"{kind}.py") for kind in kinds},
    }
    if "recipe" in kinds:
        files[f"src/{module}/recipe.py"] = _template("recipe.py").replace("example.toml", f"{name}.toml")
    if in_numba:
        files[f"src/{module}/kernel.py"] = _template("kernel_numba.py")
    if in_c:
        files["setup.py"] = SETUP.format(**words)
        files[f"src/{module}/kernel.c"] = _template("kernel.c")
    return _write(folder, files)


def install_line(kinds: Sequence[str], folder: str, language: str = "c") -> str:
    """The command that installs what was written."""
    return (INSTALL_C if "kernel" in kinds and language == "c" else INSTALL).format(folder=folder)


def recipe_to_train(name: str, kinds: Sequence[str], folder: Path) -> str:
    """What `powertrain train` takes once a distribution in that folder is installed: its own recipe, or its example."""
    return f"{name}/{name}" if "recipe" in kinds else str(folder / "example.toml")


def _example(name: str, kinds: Sequence[str]) -> str:
    """A recipe that uses every kind that a recipe on a data set can use."""
    has = set(kinds)
    data = f"{name}/{name}" if "data" in has else "digits"
    features = [f'"{name}/{name}"'] if "transform" in has else []
    if data == "digits":
        features.insert(0, '{ use = "scale", by = 0.0625 }')
    schedule = f', schedule = "{name}/{name}"' if "schedule" in has else ""
    model = 'model     = { use = "mlp", hidden = [32] }'
    if "model" in has:
        model = f'model     = "{name}/{name}"'
    elif "kernel" in has:
        model = f'model     = {{ use = "mlp", hidden = [32], activation = "{name}/{name}" }}'
    # A rate at which the few steps of an example learn something; of a plugin's own optimizer nobody knows it.
    optimizer, rate = (f"{name}/{name}", "1e-3") if "optimizer" in has else ("adamw", "1e-2")
    lines = [
        f"# What {name} teaches, in a sentence: powertrain recipes shows this line." if "recipe" in has else "",
        f'data      = {{ use = "{data}", split = {{ valid = 0.1, test = 0.2 }} }}',
        f"features  = [{', '.join(features)}]",
        model,
        f'loss      = "{name}/{name}"' if "loss" in has else "",
        f'strategy  = "{name}/{name}"' if "strategy" in has else "",
        f'optimizer = {{ use = "{optimizer}", lr = {rate}{schedule} }}',
        f'callbacks = ["{name}/{name}"]' if "callback" in has else "",
        'run       = { until = "10 epochs", batch_size = 32 }',
        f'evaluate  = {{ metrics = ["accuracy", "{name}/{name}"] }}' if "metric" in has else "",
        # Reached with each of the templates: what its author changes should not make it worse unseen.
        'expect    = { "test.accuracy" = ">= 0.9", seconds = 60 }',
    ]
    return "\n".join(line for line in lines if line) + "\n"


def new_recipe(name: str, folder: Path) -> list[Path]:
    """A recipe of that name in a folder, with its model in a file to edit."""
    from powertrain.recipe import load_recipe

    recipe = load_recipe(name)
    lines = recipe.text.splitlines()
    at = next((number for number, line in enumerate(lines) if re.match(r"model\s*=", line)), None)
    if at is None or recipe.model is None:
        raise PluginError(
            f"[new {name}] the recipe has no line model = ...; expected one, which the new model takes; write the "
            'recipe by hand and name the model with "./model.py:Net"'
        )
    own = "language_model" if recipe.strategy.name == "next_token" else "model"
    lines[at] = 'model     = { use = "./model.py:Net", width = 64 }'
    # What the recipe expects was measured with its own model.
    text = "\n".join(line for line in lines if not re.match(r"expect\s*=", line)) + "\n"
    base = recipe.path.resolve().parent
    paths = [value for use in recipe.uses() for value in vars(use.params).values() if isinstance(value, Path)]
    for path in paths:  # which begin in the folder of the recipe, and not in the new one
        if not path.is_absolute() and (base / path).exists():
            for written in (f'"{path}"', f'"./{path}"'):
                text = text.replace(written, f'"{(base / path).as_posix()}"')
    others = [use.file for use in recipe.uses() if use.file is not None and use != recipe.model]
    beside = {file.path.relative_to(base).as_posix(): file.content.decode() for file in others}
    return _write(folder, {**beside, f"{recipe.name}.toml": text, "model.py": _template(f"{own}.py")})


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    paths = {folder / name: text for name, text in files.items()}
    there = [path for path in paths if path.exists()]
    if there:
        raise PluginError(f"[new] {there[0]} exists already; expected a new folder; choose another one")
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(paths)
