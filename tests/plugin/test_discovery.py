"""Discovery costs nothing that a person notices, and a plugin's import cannot do more than fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from powertrain.plugin import importing
from powertrain.plugin.registry import PluginError, Registry
from running import SMALL, environment, results, run


def distribution(folder: Path, name: str, entries: str, code: str = "", version: str = "1.0") -> None:
    """A distribution as pip leaves it."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entries)
    (folder / f"{module}.py").write_text(code)


def model(name: str, target: str) -> str:
    return f"[console_scripts]\n{name} = x:y\n\n[powertrain.v1.model]\n{name} = {target}\n"


def registry(folder: Path) -> Registry:
    return Registry(lambda: [str(folder)])


@pytest.mark.parametrize("distributions", [100, 1000])
def test_a_thousand_entries_are_listed_in_20_ms(distributions: int, tmp_path: Path) -> None:
    """Processor time: the wall clock would measure whatever else the machine does. A machine that is slow to read the
    files has twice what reading takes."""
    for number in range(distributions):
        entries = [f"net{number}-{at} = acme_{number}:Net{at}" for at in range(1000 // distributions)]
        text = "[powertrain.v1.model]\n" + "\n".join(entries)
        distribution(tmp_path, f"acme-{number}", text, "raise SystemExit('imported')")
    seconds, reading = [], []
    files = list(tmp_path.glob("*/entry_points.txt"))
    for _ in range(9):
        start = time.process_time()
        found = registry(tmp_path).plugins()
        seconds.append(time.process_time() - start)
        assert len(found) == 1000
        start = time.process_time()
        for file in files:
            file.read_bytes()
        reading.append(time.process_time() - start)
    assert min(seconds) < max(0.020, 2 * min(reading))


BREAKAGES = (
    "raise RuntimeError('broken')",
    "raise SystemExit(3)",
    "import no_such_module",
    "print('x' * 5_000_000)",
    "import time; time.sleep(10)",
    "def f(:",
)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 distributions that cannot be imported or read; all claim names of the engine's."""
    folder = tmp_path_factory.mktemp("broken")
    for number in range(300):
        module = f"broken_{number}"
        claims = [("data", "digits"), ("model", "cnn"), ("optimizer", "adamw"), ("schedule", "cosine"),
                  ("transform", "scale"), ("strategy", "supervised"), ("recipe", "digits")]  # fmt: skip
        claims = [claims[number % 7], claims[(number + 1) % 7], ("loss", f"loss{number}")]
        entries = "".join(f"[powertrain.v1.{group}]\n{name} = {module}:X\n" for group, name in claims)
        if number % 6 == 5:
            entries = "[powertrain.v1.model]\nno equals sign\n"
        distribution(folder, f"broken-{number}", entries, BREAKAGES[number % len(BREAKAGES)])
    return folder


def test_300_broken_distributions_change_no_bit(broken: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    alone = results(run(["train", "small.toml", "--run", "a", "--json"], tmp_path))
    beside = results(run(["train", "small.toml", "--run", "b", "--json"], tmp_path, [broken]))
    assert (alone["hash"], alone["test"]) == (beside["hash"], beside["test"])


LOADED = """
import importlib, sys, time
from powertrain.plugin.registry import registry
from powertrain.recipe import load_recipe
def seconds(*folders):
    sys.path[:0] = folders
    importlib.invalidate_caches()
    registry.cache_clear()
    start = time.process_time()
    load_recipe("digits")
    taken = time.process_time() - start
    del sys.path[:len(folders)]
    return taken
turns = [(seconds(), seconds(sys.argv[1])) for _ in range(20)]
print(*map(min, zip(*turns)))
"""


def test_300_broken_distributions_cost_20_ms_at_most(broken: Path) -> None:
    """What a run does before it loads data, again and again in one process, in turns; processor time, since the wall
    clock would measure whatever else the machine does, and the least of each, since that can only add to it."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(broken)], check=True, env=environment(()), capture_output=True, text=True
    )
    alone, beside = map(float, done.stdout.split())
    assert 0 < beside - alone < 0.020


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("print('x' * 5_000_000)", "it printed more than 64 KiB while it was imported"),
        ("import sys\nwhile True:\n    sys.stderr.write('x' * 1000)", "it printed more than 64 KiB while"),
        ("import time\ntime.sleep(60)", "its import used no processor time for 0.5 s"),
        (
            "while True:\n    try:\n        pass\n    except Exception:\n        pass",
            "its import used more than 0.5 s of processor time",
        ),
        ("import os\nos._exit(5)", "ended the process by os._exit(5)"),
        ("raise RuntimeError", "RuntimeError; expected a plugin"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt; expected a plugin"),
        ("class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E", "E; expected a plugin"),
    ],
)
def test_a_plugin_that_prints_or_hangs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, cause: str
) -> None:
    monkeypatch.setenv(importing.VARIABLE, "0.5")
    monkeypatch.syspath_prepend(str(tmp_path))
    distribution(tmp_path, "noisy", model("net", "noisy:Net"), code, version="2.0")
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(PluginError) as caught:
        registry(tmp_path).load("model", "net")
    assert str(caught.value).startswith(f"[plugin noisy/net] noisy 2.0 could not import noisy:Net: {cause}")
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_ctrl_c_during_an_import_is_no_fault_of_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nsignal.pause()\n"
    distribution(tmp_path, "slow", model("net", "slow:Net"), code)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            registry(tmp_path).load("model", "net")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_import_that_takes_no_stop_ends_the_process_and_is_named(tmp_path: Path) -> None:
    code = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass\n"
    distribution(tmp_path, "deaf", model("net", "deaf:Net"), code, version="2.0")
    (tmp_path / "small.toml").write_text(SMALL.replace('"mlp"', '"net"'))
    done = run(["train", "small.toml"], tmp_path, [tmp_path], expect=2, **{importing.VARIABLE: "0.5"})
    assert done.stderr == (
        "[plugins] the import of deaf:Net of deaf 2.0 used no processor time for 0.5 s and goes on whatever is raised "
        "in it; expected one that ends; fix or uninstall it\n"
    )


def test_an_import_neither_closes_the_output_nor_moves_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "import os, sys\nsys.stdout.close()\nos.chdir('/')\n"
    code += "if os.fork() == 0:\n    os._exit(3)\nNet = os.wait()[1]\n"
    distribution(tmp_path, "restless", model("net", "restless:Net"), code)
    before, leave = Path.cwd(), os._exit
    assert os.waitstatus_to_exitcode(registry(tmp_path).load("model", "net")) == 3
    assert Path.cwd() == before and os._exit is leave


def test_showing_a_name_of_several_says_so(tmp_path: Path) -> None:
    for name in ("one", "two"):
        distribution(tmp_path, name, model("net", f"{name}:Net"), "from powertrain.builtin.models import MLP as Net\n")
    said = run(["plugins", "show", "net"], tmp_path, [tmp_path], expect=2).stderr.strip()
    assert said == "[plugins show] several distributions offer the model net; expected one; write one/net or two/net"
    assert run(["plugins", "show", "two/net"], tmp_path, [tmp_path]).stdout.startswith("model two/net 1.0 (two:Net)")
    said = run(["plugins", "show", "nett"], tmp_path, [tmp_path], expect=2).stderr.strip()
    assert said == (
        "[plugins show] no plugin is called nett; expected a name of powertrain plugins list; did you mean net?"
    )


def test_what_a_good_plugin_prints_does_not_spoil_json(tmp_path: Path) -> None:
    distribution(tmp_path, "chatty", model("chatty", "chatty:Net"),
                 "print('hello')\nfrom powertrain.builtin.models import MLP as Net\n")  # fmt: skip
    (tmp_path / "small.toml").write_text(SMALL.replace('"mlp"', '"chatty"').replace("6 epochs", "1 epoch"))
    done = run(["train", "small.toml", "--json", "--run", "a"], tmp_path, [tmp_path])
    assert json.loads(done.stdout) and done.stderr == "hello\n"


def test_unreadable_entry_points_are_reported_and_harm_nobody(tmp_path: Path) -> None:
    distribution(tmp_path, "good", model("net", "good:Net"))
    wrong = {"torn": b"[powertrain.v1.model]\nno equals sign\n", "binary": b"[powertrain.v1.model]\n\xff = x:y\n"}
    for name, content in {**wrong, "large": b"[powertrain.v1.model]\n" + b"#" * (2 << 20)}.items():
        distribution(tmp_path, name, "")
        (tmp_path / f"{name}-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    (tmp_path / "folder-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    (tmp_path / "pipe-1.0.dist-info").mkdir()
    os.mkfifo(tmp_path / "pipe-1.0.dist-info" / "entry_points.txt")
    (tmp_path / "file-1.0.dist-info").write_text("a file where a folder belongs")
    (tmp_path / "empty-1.0.dist-info").mkdir()
    found = registry(tmp_path)
    assert [plugin.full_name for plugin in found.plugins()] == ["good/net"]
    assert {one.distribution: one.cause for one in found.unreadable()} == {
        "torn": "its entry_points.txt: a line is 'no equals sign'; expected name = module:object",
        "binary": "its entry_points.txt: byte 22 is not UTF-8",
        "large": "its entry_points.txt: more than 1 MiB",
        "folder": "its entry_points.txt: Is a directory",
    }


def test_the_first_of_two_versions_on_the_path_counts_and_the_other_is_reported(tmp_path: Path) -> None:
    distribution(tmp_path / "a", "acme", model("net", "acme:Net"), version="2.0")
    distribution(tmp_path / "b", "acme", model("old", "acme:Net"), version="1.0")
    found = Registry(lambda: [str(tmp_path / name) for name in ("a", "b", "a", "gone")])
    assert [(plugin.name, plugin.version) for plugin in found.plugins()] == [("net", "2.0")]
    assert [tuple(one) for one in found.shadowed()] == [("acme", "1.0", "2.0")]


def test_a_distribution_in_a_zip_file_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "acme.zip", "w") as archive:
        archive.writestr("acme-3.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 3.1\n")
        archive.writestr("acme-3.1.dist-info/entry_points.txt", model("net", "acme:Net"))
    found = registry(tmp_path / "acme.zip").plugins()
    assert [(plugin.full_name, plugin.version) for plugin in found] == [("acme/net", "3.1")]


def test_listing_agrees_with_the_standard_library() -> None:
    import importlib.metadata

    wanted = {
        (entry.group.removeprefix("powertrain.v1."), entry.name, entry.value)
        for entry in importlib.metadata.distribution("powertrain").entry_points
        if entry.group.startswith("powertrain.v1.")
    }
    found = Registry(lambda: sys.path).plugins()
    assert {(one.group, one.name, one.target) for one in found if one.distribution == "powertrain"} == wanted
