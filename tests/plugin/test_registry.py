"""Plugins: found as text, imported when named, and failing alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from powertrain.plugin.first_party import FIRST_PARTY
from powertrain.plugin.local import load_local
from powertrain.plugin.registry import ELSEWHERE, PluginError, Registry, registry


class Installed:
    """A folder of distributions, as pip leaves them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.syspath_prepend(str(folder))

    def add(self, name: str, entries: str, code: str = "", version: str = "1.0") -> None:
        module = name.replace("-", "_")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entries)
        (self.folder / f"{module}_plugin.py").write_text(code)

    def registry(self) -> Registry:
        return Registry(lambda: [str(self.folder)])


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    return Installed(tmp_path, monkeypatch)


def model(name: str, target: str) -> str:
    return f"[powertrain.v1.model]\n{name} = {target}\n"


def test_listing_imports_nothing(installed: Installed) -> None:
    installed.add("acme", model("net", "acme_plugin:Net"), "raise SystemExit(7)")
    found = installed.registry().plugins("model")
    assert [(plugin.full_name, plugin.version) for plugin in found] == [("acme/net", "1.0")]
    assert "acme_plugin" not in sys.modules


def test_a_plugin_is_loaded_by_its_short_and_its_full_name(installed: Installed) -> None:
    installed.add("acme", model("net", "acme_plugin:Net"), "class Net: pass")
    registry = installed.registry()
    assert registry.load("model", "net") is registry.load("model", "acme/net")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(7)", "exited with 7"),
        ("import sys; sys.exit()", "exited with None"),
        ("raise ValueError('bad day')", "ValueError: bad day"),
        ("raise BaseException('worse')", "BaseException: worse"),
        ("def f(:", "SyntaxError: invalid syntax (broken_plugin.py, line 1)"),
        ("", "AttributeError: module 'broken_plugin' has no attribute 'Net'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_names_itself_and_the_cause(
    installed: Installed, code: str, cause: str
) -> None:
    installed.add("broken", model("bad", "broken_plugin:Net"), code, version="2.3")
    installed.add("acme", model("net", "acme_plugin:Net"), "class Net: pass")
    registry = installed.registry()
    with pytest.raises(PluginError) as caught:
        registry.load("model", "bad")
    assert str(caught.value) == (
        f"[plugin broken/bad] broken 2.3 could not import broken_plugin:Net: {cause}; "
        "expected a plugin that can be imported; fix, update or uninstall broken"
    )
    assert registry.load("model", "net").__name__ == "Net"
    sys.modules.pop("broken_plugin", None)


def test_a_name_that_several_offer_must_be_written_in_full(installed: Installed) -> None:
    installed.add("acme", model("net", "acme_plugin:Net"), "class Net: pass")
    installed.add("other", model("net", "other_plugin:Net"), "class Net: pass")
    registry = installed.registry()
    with pytest.raises(PluginError) as caught:
        registry.find("model", "net")
    assert str(caught.value) == ("several distributions offer the model net; expected one; write acme/net or other/net")
    assert registry.find("model", "other/net").distribution == "other"
    assert [(group, name) for group, name, _ in registry.conflicts()] == [("model", "net")]


def test_the_engines_own_short_names_always_mean_the_engines(installed: Installed) -> None:
    installed.add("acme", model("cnn", "acme_plugin:Net"), "class Net: pass")
    installed.add("powertrain", model("cnn", "powertrain_plugin:Net"), "class Net: pass")
    registry = installed.registry()
    assert registry.find("model", "cnn").distribution == "powertrain"
    assert registry.find("model", "acme/cnn").distribution == "acme"
    assert len(registry.conflicts()) == 1


def test_an_unknown_name_gets_what_there_is_and_a_guess(installed: Installed) -> None:
    installed.add("acme", "[powertrain.v1.model]\nresnet = acme_plugin:Net\nunet = acme_plugin:Net\n")
    with pytest.raises(PluginError) as caught:
        installed.registry().find("model", "resnett")
    assert str(caught.value) == "no such model resnett; expected one of resnet, unet; did you mean resnet?"


@pytest.mark.parametrize(
    ("group", "name", "meant"),
    [
        ("loss", "sparse_categorical_crossentropy", "cross-entropy"), ("loss", "NLL_loss", "cross-entropy"),
        ("loss", "mean_squared_error", "mse"), ("loss", "binary_crossentropy", "bce"), ("metric", "acc", "accuracy"),
        ("metric", "f1_score", "f1"), ("metric", "roc_auc", "auc"), ("callback", "ReduceLROnPlateau", "plateau"),
        ("callback", "early_stopping", 'run.stop = { watch = "valid.loss" }'), ("metric", "f1-macro", "f1_macro"),
        ("metric", "Recall_binary", "recall"),
    ],
)  # fmt: skip
def test_a_name_of_another_library_gets_ours(group: str, name: str, meant: str) -> None:
    with pytest.raises(PluginError) as caught:
        registry().find(group, name)
    assert str(caught.value).startswith(f"no such {group} {name}; expected one of ")
    assert str(caught.value).endswith(f"; did you mean {meant}?")


def test_names_of_other_libraries_stand_for_what_there_is() -> None:
    there = {group: {plugin.name for plugin in registry().plugins(group)} for group in ELSEWHERE}
    for group, names in ELSEWHERE.items():
        for name, meant in names.items():
            assert name not in there[group] and (meant in there[group] or meant.startswith(("run.", "pt."))), name


def test_an_editable_install_hides_nothing(installed: Installed, tmp_path: Path) -> None:
    """pip leaves an egg-info in the folder of sources that it puts on the path."""
    text = "[powertrain.v1.model]\nunet = acme_plugin:Net\n"
    installed.add("acme", text)
    egg = tmp_path / "src" / "acme.egg-info"
    egg.mkdir(parents=True)
    (egg / "entry_points.txt").write_text(text)
    for version, hidden in (("1.0", []), ("0.9", [("acme", "0.9", "1.0")])):
        (egg / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n")
        found = Registry(lambda: [str(installed.folder), str(egg.parent)])
        assert [plugin.full_name for plugin in found.plugins()] == ["acme/unet"]
        assert [tuple(one) for one in found.shadowed()] == hidden


@pytest.mark.parametrize("name", ["full-batch", "tabular/full-batch", "powertrain-tabular/full-batch"])
def test_a_first_party_name_that_is_not_installed_gets_the_line_that_installs_it(
    installed: Installed, name: str
) -> None:
    with pytest.raises(PluginError) as caught:
        installed.registry().find("strategy", name)
    assert str(caught.value) == (
        f"the strategy {name} is in powertrain-tabular, which is not installed; install it: pip install "
        "powertrain-tabular"
    )


def test_what_is_said_to_be_first_party_is_there() -> None:
    """A line that installs a distribution which does not exist would be worse than none."""
    plugins = Path(__file__).parents[2] / "plugins"
    for family, names in FIRST_PARTY.items():
        project = (plugins / family / "pyproject.toml").read_text(encoding="utf-8")
        assert f'name = "powertrain-{family}"' in project
        assert [name for name in names if f"\n{name} = " not in project] == []


def test_a_name_of_another_kind_is_said_to_be_one(installed: Installed) -> None:
    text = "[powertrain.v1.model]\nunet = acme_plugin:Net\n[powertrain.v1.loss]\ndice = acme_plugin:it\n"
    installed.add("acme", text)
    with pytest.raises(PluginError) as caught:
        installed.registry().find("model", "dice")
    assert str(caught.value) == "no such model dice; expected one of unet; dice is of the group loss"


def test_a_first_party_plugin_is_found_without_its_prefix(installed: Installed) -> None:
    installed.add("powertrain-rl", model("actor-critic", "powertrain_rl_plugin:Net"), "class Net: pass")
    assert installed.registry().find("model", "rl/actor-critic").distribution == "powertrain-rl"


def test_a_distribution_with_unreadable_entry_points_harms_nobody(installed: Installed) -> None:
    installed.add("torn", "[powertrain.v1.model]\nthis is not an entry point\n[[[\n")
    installed.add("acme", model("net", "acme_plugin:Net"), "class Net: pass")
    registry = installed.registry()
    assert registry.load("model", "net").__name__ == "Net"
    assert [plugin.full_name for plugin in registry.plugins()] == ["acme/net"]


def test_a_file_beside_the_recipe_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("class Net:\n    pass\n")
    plugin, file = load_local("./model.py:Net", tmp_path)
    assert plugin.__name__ == "Net"
    assert file.content == b"class Net:\n    pass\n"
    assert len(file.sha256) == 64


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        (
            "./model.py",
            "",
            'received ./model.py; expected a file and the name of an object in it; write use = "./model.py:Net"',
        ),
        ("./model.py:Nett", "class Net: pass", "model.py has no Nett; expected one of its names; did you mean Net?"),
        (
            "./model.py:Net",
            "x = 1\ny = x / 0\n",
            "[plugin ./model.py:2] it could not be imported: ZeroDivisionError: division by zero; "
            "expected a file that can be imported; fix model.py",
        ),
        (
            "./model.py:Net",
            "x = 1\nraise SystemExit(3)\n",
            "[plugin ./model.py:2] it could not be imported: exited with 3; "
            "expected a file that can be imported; fix model.py",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, code: str, text: str) -> None:
    (tmp_path / "model.py").write_text(code)
    with pytest.raises(PluginError) as caught:
        load_local(name, tmp_path)
    assert str(caught.value) == text


def test_a_file_must_lie_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "model.py").write_text("class Net: pass")
    with pytest.raises(PluginError) as caught:
        load_local("../model.py:Net", tmp_path / "inside")
    assert str(caught.value) == (
        "received ../model.py:Net; expected a file in the recipe's folder or below, since a run keeps a copy of it; "
        "move model.py there"
    )
