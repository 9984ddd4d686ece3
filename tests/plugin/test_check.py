"""The conformance kit names the right fault in each wrong plugin, and finds none in right ones."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from test_discovery import distribution

import unusual_plugins
import wrong_kernels
import wrong_plugins
import wrong_plugins_late
import wrong_silent
from c_library import COMPILER, build
from powertrain.cli import templates
from powertrain.cli.scaffold import OBJECTS
from powertrain.conformance import check_distribution
from powertrain.conformance.child import findings
from powertrain.conformance.finding import Finding, Subject, apart
from powertrain.plugin.registry import Plugin, PluginError, Registry, registry
from powertrain.recipe import load_recipe
from running import SMALL, run

CHECKED = (
    "model", "loss", "metric", "data", "transform", "strategy", "optimizer", "schedule", "callback", "recipe",
    "exporter",
)  # fmt: skip
# Not here, or long: a data set that is not installed; a network that takes seconds.
LEFT_OUT = ("fashion-mnist", "austen", "text", "arrays", "resnet18")
GOOD = Path(__file__).parent / "plugin_good" / "src"


def examine(
    group: str, name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, attribute: str = "it"
) -> list[Finding]:
    """The findings about one plugin, in this process."""
    module = "examined_" + name.replace("-", "_")
    distribution(folder, module, f"[powertrain.v1.{group}]\n{name} = {module}:{attribute}\n", source)
    monkeypatch.syspath_prepend(str(folder))
    found = Registry(lambda: [str(folder), *sys.path])
    monkeypatch.setattr("powertrain.recipe.reader.registry", lambda: found)
    entry = Plugin(group, name, module.replace("_", "-"), "1.0", f"{module}:{attribute}")
    return list(findings(entry._asdict()))


WRONG = {**wrong_plugins.WRONG, **wrong_plugins_late.LATE, **wrong_silent.SILENT}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_plugin_is_named_with_its_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group, code, text, source = WRONG[name]
    found = examine(group, name, source, tmp_path, monkeypatch)
    assert code in [one.code for one in found], "\n".join(one.line() for one in found) or "no finding"
    one = next(one for one in found if one.code == code)
    assert text in one.line()
    assert one.where and one.expected and one.fix


def test_each_fault_of_the_page_that_shows_late_has_a_wrong_plugin() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plugins" / "check.md").read_text(encoding="utf-8")
    table = page.partition("## Faults that show late")[2].partition("\n## ")[0]
    head, _, *rows = (
        [cell.strip() for cell in row.strip("|").split("|")] for row in table.split("\n") if row[:1] == "|"
    )
    told = set()
    for row in rows:  # a cell says the code, "yes" or "read" that it is the row's
        of_row = re.findall(r"`([a-z0-9-]+)`", row[0])
        for kind, cell in zip(head[1:], row[1:], strict=True):
            told |= {(kind, code) for code in re.findall(r"`([a-z0-9-]+)`", cell) or (of_row if cell != "–" else [])}
    kernels = [*wrong_kernels.WRONG.values(), *wrong_kernels.WRONG_ELEMENTWISE.values()]
    shown = {(row[0], row[1]) for row in WRONG.values()} | {("kernel", row[0]) for row in kernels}
    assert len(told) > 60 and sorted(told - shown) == []


@pytest.fixture(scope="module")
def lethal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lethal")
    entries: dict[str, list[str]] = {}
    for name, (group, _, _, source) in wrong_plugins.LETHAL.items():
        module = name.replace("-", "_")
        (folder / f"{module}.py").write_text(source)
        entries.setdefault(group, []).append(f"{name} = {module}:it")
    text = "\n".join(f"[powertrain.v1.{group}]\n" + "\n".join(lines) + "\n" for group, lines in entries.items())
    distribution(folder, "lethal", text)
    return folder


@pytest.mark.slow
def test_one_that_ends_its_process_is_a_finding_like_any_other(lethal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(lethal))
    checked = check_distribution(Registry(lambda: sys.path), "lethal", seconds=8)
    said = {one.plugin.name: one for one in checked}
    assert set(said) == set(wrong_plugins.LETHAL)
    for name, (_, code, text, _) in wrong_plugins.LETHAL.items():
        found = said[name].findings
        assert [one.code for one in found] == [code], f"{name}: {[one.line() for one in found]}"
        assert text in found[0].line()


@pytest.mark.parametrize("group", wrong_plugins.RIGHT)
def test_what_the_wrong_ones_are_made_from_is_right(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examine(group.removeprefix("random-"), f"right-{group}", wrong_plugins.RIGHT[group], tmp_path, monkeypatch)
    assert [one.line() for one in found] == []


@pytest.mark.parametrize("name", unusual_plugins.UNUSUAL)
def test_what_is_unusual_but_allowed_is_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group, source = unusual_plugins.UNUSUAL[name]
    if "Numba(" in source:
        pytest.importorskip("numba")
    assert [one.line() for one in examine(group, name, source, tmp_path, monkeypatch)] == []


def test_a_library_that_is_not_installed_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine("model", "lacking", unusual_plugins.HEAD + unusual_plugins.LACKING, tmp_path, monkeypatch)
    assert [one.code for one in found] == ["not-here"] and "pip install no-such-library" in found[0].line()


@pytest.mark.parametrize(("error", "code"), [("pt.Error", "not-here"), ("KeyError", "raises")])
def test_a_callback_may_say_what_it_lacks(
    error: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = unusual_plugins.HEAD + unusual_plugins.REFUSED.replace("ERROR", error)
    found = examine("callback", f"refused-{code}", source, tmp_path, monkeypatch)
    assert [one.code for one in found] == [code] and "log in" in found[0].line()


@pytest.mark.parametrize("kind", [*OBJECTS, "language_model"])
def test_each_template_is_right(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(templates.__file__).parent
    source = (folder / f"{kind}.py").read_text(encoding="utf-8")
    if kind == "kernel":
        if COMPILER is None:
            pytest.skip("no C compiler")
        build((folder / "kernel.c").read_text(encoding="utf-8"), tmp_path / "_kernel.so")
    if kind == "recipe":
        (tmp_path / "example.toml").write_text(load_recipe("digits").text, encoding="utf-8")
    group, name = ("model", "Net") if kind == "language_model" else (kind, OBJECTS[kind])
    found = examine(group, f"template-{kind.replace('_', '-')}", source, tmp_path, monkeypatch, name)
    assert [one.line() for one in found] == []


@pytest.mark.parametrize(
    ("group", "file", "name"),
    [("model", "model", "Rings"), ("loss", "losses", "focal"), ("strategy", "strategy", "Averaged")],
)
def test_another_distribution_is_right(
    group: str, file: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (GOOD / "acme_learning" / f"{file}.py").read_text(encoding="utf-8")
    assert [one.line() for one in examine(group, f"good-{group}", source, tmp_path, monkeypatch, name)] == []


OWN = [
    plugin
    for group in CHECKED
    for plugin in registry().plugins(group)
    if plugin.distribution == "powertrain" and plugin.name not in LEFT_OUT
]


def test_a_fault_that_shows_on_several_inputs_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power of a probability of 0 has no slope, for one task as for another."""
    source = """
import powertrain as pt

def it(output, target):
    right = pt.take_along_axis(pt.softmax(output, axis=-1), pt.expand_dims(target, -1), axis=-1)[..., 0]
    return 1.0 - right**0.7
"""
    distribution(tmp_path, "acme-powered", "[powertrain.v1.loss]\npowered = acme_powered:it\n", source)
    monkeypatch.syspath_prepend(str(tmp_path))
    (checked,) = check_distribution(Registry(lambda: sys.path), "acme-powered", seconds=30)
    assert [one.code for one in checked.findings] == ["not-finite"]


@pytest.mark.parametrize("plugin", OWN, ids=lambda plugin: f"{plugin.group}-{plugin.name}")
def test_the_engines_own_are_right(plugin: Plugin) -> None:
    found = list(findings(plugin._asdict()))
    if [one.code for one in found] == ["not-here"]:  # PyTorch, in which an exporter's model.py runs
        pytest.skip(found[0].line())
    assert [one.line() for one in found] == []


def test_the_verb_prints_findings_and_says_so_by_its_exit_code(lethal: Path, tmp_path: Path) -> None:
    distribution(tmp_path, "acme", "[powertrain.v1.loss]\nmine = acme:it\n", wrong_plugins.WRONG["loss-mean"][3])
    done = run(["plugins", "check", "acme"], tmp_path, [tmp_path], expect=1)
    assert done.stdout.splitlines() == [
        "wrong  loss acme/mine",
        "       loss-scalar: [acme/mine acme.py:10] the loss of 6 examples is one number; expected one value per "
        "example, which the engine weighs and divides once; leave out the sum or mean over the batch",
    ]
    rows = json.loads(run(["plugins", "check", "acme", "--json"], tmp_path, [tmp_path], expect=1).stdout)
    assert [(row["name"], row["right"], row["findings"][0]["code"]) for row in rows] == [("mine", False, "loss-scalar")]
    missing = run(["plugins", "check", "nobody"], tmp_path, [tmp_path], expect=2)
    assert missing.stderr.startswith("[plugins check] nobody offers no plugins; expected one of acme, powertrain")


@pytest.mark.parametrize("name", ["./s.py", "s.py:Own", "../s.py:Own"])
def test_a_file_is_no_distribution(name: str) -> None:
    with pytest.raises(PluginError) as caught:
        check_distribution(Registry(list), name)
    assert str(caught.value) == (
        f"[plugins check] received the file {name}; expected a distribution, or DIST/NAME; put the file into one, "
        "which powertrain new plugin acme-learning --kinds loss writes"
    )


@pytest.mark.parametrize(("name", "notes"), [("mine", 1), ("acme/mine", 0)])
def test_a_recipe_that_names_its_own_plugins_briefly_is_told_so(name: str, notes: int, tmp_path: Path) -> None:
    distribution(tmp_path, "acme", "[powertrain.v1.loss]\nmine = acme:it\n[powertrain.v1.recipe]\nnew = acme:new\n")
    source = wrong_plugins.RIGHT["loss"] + "from pathlib import Path\nnew = Path(__file__).with_name('new.toml')\n"
    (tmp_path / "acme.py").write_text(source)
    (tmp_path / "new.toml").write_text(f'{SMALL}loss = "{name}"\n')
    said = run(["plugins", "check", "acme/new"], tmp_path, [tmp_path]).stdout.splitlines()
    told = (
        "       short-name: [acme/new] it names mine of its own distribution without it; expected a name that no other "
        'distribution can offer too; write "acme/mine" before you publish it'
    )
    assert said == ["right  recipe acme/new", *[told] * notes]


def test_a_distribution_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    distribution(tmp_path, "torn", "[powertrain.v1.model]\nno equals sign\n")
    with pytest.raises(PluginError, match=r"\[plugins check\] torn: its entry_points.txt: a line is"):
        check_distribution(Registry(lambda: [str(tmp_path)]), "torn")


def test_one_plugin_of_a_distribution_is_checked_by_its_name(tmp_path: Path) -> None:
    text = "[powertrain.v1.loss]\nmine = acme:it\nother = acme:it\n[powertrain.v2.loss]\nlater = acme:it\n"
    distribution(tmp_path, "acme-two", text, wrong_plugins.RIGHT["loss"])
    (tmp_path / "acme.py").write_text(wrong_plugins.RIGHT["loss"])
    assert run(["plugins", "check", "Acme_Two/mine"], tmp_path, [tmp_path]).stdout == "right  loss acme-two/mine\n"
    assert run(["plugins", "check", "acme-two/later"], tmp_path, [tmp_path], expect=1).stdout.splitlines() == [
        "wrong  powertrain.v2.loss acme-two/later",
        "       group: [plugin acme-two/later] it is in the group powertrain.v2.loss, which nothing reads; expected "
        "powertrain.v1.loss; fix the entry point, and install again",
    ]
    missing = run(["plugins", "check", "acme-two/mien"], tmp_path, [tmp_path], expect=2).stderr
    assert missing.startswith(
        "[plugins check] acme-two offers no plugin mien; expected one of later, mine, other; leave /mien out to check "
        "all; did you mean mine?"
    )


def test_a_recipe_that_names_a_plugin_of_an_unread_group_is_told_so(tmp_path: Path) -> None:
    distribution(tmp_path, "acme", "[powertrain.v1.models]\nnet = acme:it\n")
    with pytest.raises(PluginError, match=r"; acme/net is in the group powertrain.v1.models, which nothing reads; "):
        Registry(lambda: [str(tmp_path)]).find("model", "net")


def test_a_finding_says_once_what_was_expected() -> None:
    subject = Subject("loss", "acme/mine", len, None, "acme/mine")
    said = subject.raised("a call", ValueError("[mine] 3; expected 4; write 4")).line()
    assert said == "[acme/mine] a call raised ValueError: [mine] 3; expected 4; write 4"
    assert (
        subject.raised("a call", KeyError("x")).line().endswith("; expected no exception; fix the line that is named")
    )


def test_what_a_kernel_in_cpp_throws_is_told_as_that() -> None:
    subject = Subject("kernel", "acme/mine", len, None, "acme/mine")
    error = RuntimeError("[system] empty; expected no failure; report the call that led to it, with its arguments")
    assert subject.raised("the engine's call of case 1", error).line() == (
        "[acme/mine] the engine's call of case 1: a function of the kernel threw an exception (empty); expected a "
        "status; catch it inside of the function, and end with return pt_fail(call, message)"
    )


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (0.5, 0.25, ("0.5", "0.25")),
        (0.29393601, 0.29393648, ("0.293936", "0.2939365")),
        (1.0, 1.0 + 2**-52, ("1", "1.0000000000000002")),
        (1.0, 1.0, ("1", "1")),
        (float("nan"), 1.0, ("nan", "1")),
    ],
)
def test_numbers_that_differ_are_told_with_digits_that_do(a: float, b: float, words: tuple[str, str]) -> None:
    assert apart(a, b) == words
