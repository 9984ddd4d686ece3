"""Recipes that nobody would write, by number: mutations of those that are installed, and others grown from the
parameters of all plugins. `python tests/attack/recipes.py FIRST COUNT` examines some; `--show N` prints one.

Each goes through `powertrain train --smoke`, as far as it gets. It must end with an exit code of a person's mistake or
of success, without a traceback, without a character that moves a cursor, in some seconds.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attack.commands import Verdict, examine_command, in_a_folder
from fuzz_children import serve

ROOT = Path(__file__).parent.parent.parent
SECONDS = 120  # for one recipe: some train two steps on a machine that does other things

NUMBERS = (
    "0", "-1", "1", "2", "3", "17", "0.5", "-0.0", "1e-300", "1e308", "-1e308", "nan", "inf", "-inf", "2147483648",
    "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1" + "0" * 30,
    "9" * 5000, "0x" + "f" * 5000, "1e999", "0b1", "1_000_000", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z",
)  # fmt: skip
TEXTS = (
    "", " ", "\\u001b[31mred", "\\u001b]0;title\\u0007", "\\u202eabc", "\\u0000", "\\r\\n", "\\u2028", "\\u200b",
    "\U0001f600",
    "../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem", "pipe", "folder", "a/b", "~", ".",
    "..",
    "./pipe.py:Net", "./missing.py:Net", "../x.py:Net", "./folder:Net", "./broken.py:Net", "./exits.py:Net",
    "./zero:Net",
    "x" * 300, "x" * 5000, "digits", "mlp", "sgd", "cosine", "true", "1e9", "20 epochs", "9" * 5000 + " epochs",
    "999999999999999 steps", ">= 1e999", "> " + "9" * 5000, "*" * 60, "%s%n{0}", "$(id)", "None", "use", "supervised:x",
    "powertrain/mlp", "powertrain/../mlp", "mlp\\u0000",
)  # fmt: skip
OTHERS = ("true", "false", "[]", "[[]]", "{}", "{ use = {} }", "{ use = [] }", '[{ use = "scale" }]', '[1, "a", {}]')
KEYS = (
    "use", "lr", '""', '"a b"', '"\\u001b[2J"', '"\\u202e"', "data", "model", "x" * 2000, "a.b.c", "0", "-", "split",
    "weights", "learning_rate", "\"use\"", "'use'",
)  # fmt: skip
NUMBER = re.compile(r"(?<![\w.\"])-?\d[\d_.]*(?:e-?\d+)?(?![\w\"])")
STRING = re.compile(r'"[^"\n]*"')
VALUE = re.compile(r"(?<==\s)(?:\"[^\"\n]*\"|[\w.+-]+)")
KEY = re.compile(r"[A-Za-z_]\w*(?=\s*=)")
# A wish for a million examples is no mistake, and takes its time.
SLOW = ("examples",)


def installed() -> list[str]:
    """The texts of the recipes of the engine and its own plugins, with data that need no fetching in every third."""
    own = ROOT.glob("python/powertrain/builtin/recipes/*.toml")
    paths = sorted([*own, *ROOT.glob("plugins/*/src/*/recipes/*.toml")])
    return [path.read_text(encoding="utf-8") for path in paths]


def replaced(pattern: re.Pattern[str], text: str, value: str, draw: random.Random) -> str:
    """The text with one of the places that fit the pattern changed."""
    places = list(pattern.finditer(text))
    if not places:
        return text + value
    place = draw.choice(places)
    return text[: place.start()] + value + text[place.end() :]


def quoted(draw: random.Random) -> str:
    return f'"{draw.choice(TEXTS)}"'


def any_value(draw: random.Random) -> str:
    return draw.choice([draw.choice(NUMBERS), quoted(draw), draw.choice(OTHERS)])


def spoilt_bytes(text: str, draw: random.Random) -> str:
    """A few characters that are lost, doubled or others."""
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(text) + 1)
        other = draw.choice(["", *"\0\x1b\x7f\u202e\"'[]{}=\n#\\\ré"])
        text = text[:at] + other + text[at + draw.randint(0, 2) :]
    return text


def spoilt_lines(text: str, draw: random.Random) -> str:
    lines = text.splitlines()
    at = draw.randrange(len(lines))
    how = draw.randrange(4)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, draw.choice(lines))
    elif how == 2:
        lines = lines[:at]
    else:
        lines[at] = lines[at][: draw.randrange(len(lines[at]) + 1)]
    return "\n".join(lines)


def extra(text: str, draw: random.Random) -> str:
    key, value = draw.choice(KEYS), any_value(draw)
    if draw.random() < 0.5:
        return f"{text}\n{key} = {value}\n"
    return replaced(re.compile(r"(?<=\{ )"), text, f"{key} = {value}, ", draw)


def huge(text: str, draw: random.Random) -> str:
    """Much of one thing: what grows with the square or with the depth shows here."""
    count = draw.choice([100, 2000, 100_000])
    made = [
        lambda: "x = " + "[" * count + "]" * count,
        lambda: "x = " + "{a=" * count + "1" + "}" * count,
        lambda: ".".join("a" * count) + " = 1",
        lambda: ".".join(['"a"'] * count) + " = 1",
        lambda: "[" + ".".join("a" * count) + "]",
        lambda: "# a comment\n" * min(count, 80_000),
        lambda: 'x = "' + "y" * 10 * count + '"',
        lambda: 'x = "' + '\\"' * count,
        lambda: "x = '''" + "''" * count,
        lambda: "".join(f"k{at} = {at}\n" for at in range(min(count, 50_000))),
        lambda: f"x = [{'1,' * count}]",
        lambda: '[[features]]\nuse = "scale"\n' * min(count, 2000),
        lambda: " " * 10 * count + "x = 1",
        lambda: "x" * 11 * count,
    ]
    return f"{text}\n{draw.choice(made)()}\n"


def mutated(draw: random.Random, texts: Sequence[str]) -> str:
    """An installed recipe with one to three things changed."""
    text = draw.choice(texts)
    changes: list[Callable[[str], str]] = [
        lambda text: replaced(NUMBER, text, draw.choice(NUMBERS), draw),
        lambda text: replaced(NUMBER, text, draw.choice(NUMBERS), draw),
        lambda text: replaced(STRING, text, quoted(draw), draw),
        lambda text: replaced(STRING, text, quoted(draw), draw),
        lambda text: replaced(VALUE, text, any_value(draw), draw),
        lambda text: replaced(KEY, text, draw.choice(KEYS), draw),
        lambda text: extra(text, draw),
        lambda text: spoilt_bytes(text, draw),
        lambda text: spoilt_lines(text, draw),
        lambda text: huge(text, draw),
    ]
    for _ in range(draw.randint(1, 3)):
        text = draw.choice(changes)(text) if text else text
    return text


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(one)}' for key, one in value.items())} }}"
    return repr(value) if isinstance(value, (int, float)) else f'"{value}"'


def table(group: str, draw: random.Random, wild: float) -> str:
    """A plugin of a group with some of its parameters, each wild with that probability, else at an end of its range."""
    from powertrain.plugin.params import parameters, params_of
    from powertrain.plugin.registry import PluginError, registry

    plugin = draw.choice([one for one in registry().plugins(group) if one.distribution != "powertrain-xla"])
    made = [f'use = "{plugin.name}"']
    try:
        fields = parameters(params_of(plugin.load()))
    except PluginError:  # what it needs is not installed
        fields = []
    for field in fields:
        if field.name in SLOW or draw.random() < (0.05 if field.required else 0.7):
            continue
        made.append(f"{field.name} = {any_value(draw) if draw.random() < wild else fitting(field, draw)}")
    return f"{{ {', '.join(made)} }}"


def fitting(field: Any, draw: random.Random) -> str:
    """A value of the field's type, in its range or beside it."""
    allowed = field.range
    if allowed.choices:
        return toml(draw.choice(allowed.choices))
    ends = [end for end in (allowed.low, allowed.high, allowed.above, allowed.below) if end is not None]
    near = [value for end in ends for value in (end, end + 1, end - 1, end / 2)]
    if draw.random() < 0.95:
        near = [value for value in near if allowed.holds(value) and abs(value) < 1e6]
    told = str(field.type)
    if "tuple" in told or "list" in told:
        return toml([draw.choice([1, 2, 8, *map(round, near)])] * draw.choice([0, 1, 2, 3, 40]))
    if "bool" in told:
        return draw.choice(["true", "false"])
    if "int" in told:
        return toml(draw.choice([1, 2, 3, 7, 16, *map(round, near)]))
    if "float" in told:
        return toml(draw.choice([0.5, 0.1, 1e-3, *near]))
    return quoted(draw)


def grown(draw: random.Random) -> str:
    """A recipe of plugins that were drawn by lot."""
    wild = draw.choice([0.0, 0.0, 0.1, 0.5])
    data = draw.choice(['"digits"', '"digits"', '{ use = "mnist1d", examples = 200 }', table("data", draw, wild)])
    parts = {
        "data": data,
        "features": f"[{', '.join(table('transform', draw, wild) for _ in range(draw.randrange(3)))}]",
        "model": table("model", draw, wild),
        "loss": table("loss", draw, wild),
        "strategy": table("strategy", draw, wild),
        "optimizer": table("optimizer", draw, wild)[:-2] + f", schedule = {table('schedule', draw, wild)} }}",
        "callbacks": f"[{', '.join(table('callback', draw, wild) for _ in range(draw.randrange(2)))}]",
        "run": f'{{ until = "2 steps", batch_size = {draw.choice([1, 2, 7, 64])}, seed = {draw.randrange(9)} }}',
        "evaluate": f'{{ metrics = ["{draw.choice(["accuracy", "mse", "r2", "loss", "wrong"])}"], most = 20 }}',
        "report": "{ baseline = false }",
    }
    always = ("data", "model", "optimizer", "run", "report")
    kept = [name for name in parts if name in always or draw.random() < 0.35]
    return "\n".join(f"{name} = {parts[name]}" for name in kept) + "\n"


def recipe(number: int) -> str:
    """The text of one recipe; a third of them are grown."""
    draw = random.Random(number)
    return grown(draw) if number % 3 == 0 else mutated(draw, installed())


def beside(folder: Path) -> None:
    """What recipes find beside them: a pipe that nobody writes to, a folder, Python files that end in odd ways."""
    for name in ("pipe", "pipe.py"):
        os.mkfifo(folder / name)
    (folder / "folder").mkdir()
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "broken.py").write_text("def Net(:\n")
    (folder / "exits.py").write_text("import sys\nprint('\\x1b[31mhello')\nsys.exit(3)\n")


def examine(number: int) -> tuple[str | None, Sequence[str]]:
    with in_a_folder() as folder:
        beside(folder)
        (folder / "recipe.toml").write_bytes(recipe(number).encode("utf-8", "surrogatepass"))
        found: Verdict = examine_command(["train", "recipe.toml", "--smoke", "--json", "--run", "run"])
    return f"{found.code} {found.told}", found.wrong


if __name__ == "__main__":
    if sys.argv[1] == "--show":
        print(recipe(int(sys.argv[2])))
    else:
        first, count = map(int, sys.argv[1:3])
        serve(range(first, first + count), examine, SECONDS)
