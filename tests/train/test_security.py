"""What a stranger's run, recipe or text can do: nothing but what `docs/security.md` says."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import html as standard
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from powertrain import charts
from powertrain.io.console import fitting, one_line, say, visible
from powertrain.io.files import Files, FolderError
from powertrain.plugin import PluginError, trust
from powertrain.plugin.local import load_local
from powertrain.recipe import RecipeError
from powertrain.train.evaluate.review import open_run, rewrite_report
from powertrain.train.report.markup import Html, html, joined
from running import SMALL, command, environment, inside, run

PACKAGE = Path(__file__).parents[2] / "python" / "powertrain"
MODEL = """
from pathlib import Path
from powertrain.builtin.models import MLP

class Net(MLP):
    pass

class Other(MLP):
    pass

if Path("tell").exists():
    Path("tell").write_text("ran")
"""
OWN = SMALL.replace('use = "mlp"', 'use = "./model.py:Net"').replace("6 epochs", "2 epochs")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run whose model is in a file beside the recipe."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "model.py").write_text(MODEL)
    (folder / "small.toml").write_text(OWN)
    run(["train", "small.toml", "--run", "a"], folder)
    return folder


@pytest.fixture
def stranger(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in the hands of somebody who never trained with that model."""
    shutil.copytree(trained, tmp_path / "mail")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nobody"))
    (tmp_path / "mail" / "tell").write_text("")
    return tmp_path / "mail"


def told(folder: Path) -> str:
    return (folder / "tell").read_text()


# ---------------------------------------------------------------- links

LINKED = [
    ".lock", ".results.json.part", ".report.html.part", ".run.json.part", "ledger.jsonl", "results.json", "report.html",
    "checkpoints/.round-000000000008.json.part", "checkpoints/.round-000000000008.safetensors.part",
]  # fmt: skip


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_no_link_in_a_run_folder_leads_out_of_it(trained: Path, tmp_path: Path, name: str, kind: str) -> None:
    folder = tmp_path / "all"
    shutil.copytree(trained, folder)
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (folder / "a" / name).unlink(missing_ok=True)
    make = os.symlink if kind == "symbolic" else os.link
    make(victim, folder / "a" / name)
    longer = ["--set", "run.until=3 epochs", "--set", "report.worst=0"]
    for arguments in (["train", "small.toml", "--run", "a", "--resume", *longer], ["report", "a"]):
        with contextlib.suppress(AssertionError):  # what is said of it does not matter here
            inside(arguments, folder)
        assert victim.read_text() == "mine\n" and victim.stat().st_nlink <= 2


def test_no_folder_in_a_run_folder_leads_out_of_it(trained: Path, tmp_path: Path) -> None:
    """Checkpoints would be written into the other run, and its own dropped."""
    folder = tmp_path / "all"
    shutil.copytree(trained, folder)
    shutil.copytree(folder / "a", folder / "b")
    before = sorted((folder / "b" / "checkpoints").iterdir())
    shutil.rmtree(folder / "a" / "checkpoints")
    (folder / "a" / "checkpoints").symlink_to(folder / "b" / "checkpoints")
    done = inside(["train", "small.toml", "--run", "a", "--resume", "--set", "run.until=3 epochs"], folder, expect=2)
    assert done.stderr.strip() == (
        "[a/checkpoints] it is a symbolic link; expected a folder; remove it, or use another folder"
    )
    assert sorted((folder / "b" / "checkpoints").iterdir()) == before


def test_files_are_opened_without_following_and_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "link").symlink_to(tmp_path / "victim")
    os.link(tmp_path / "victim", run_folder / "second-name")
    os.mkfifo(run_folder / "pipe")
    (run_folder / "folder").mkdir()
    (run_folder / "there").symlink_to(tmp_path)
    (run_folder / ".new.part").symlink_to(tmp_path / "victim")
    files, said = Files(run_folder), {}
    for name in ("link", "second-name", "pipe", "folder", "there/victim"):
        for action in (files.read, files.appending, files.locking):
            try:
                made = action(name)
                if isinstance(made, int):
                    os.close(made)
            except FolderError as error:
                said[name, action.__name__] = str(error).removeprefix(f"[{run_folder}/").partition(";")[0]
    for action in ("read", "appending", "locking"):
        assert said["link", action] == "link] it is a symbolic link"
        assert said["pipe", action] == "pipe] it is a pipe"
        assert said["folder", action] == "folder] it is a folder"
        assert said["there/victim", action] == "there] it is a symbolic link"
    assert (
        said["second-name", "appending"] == "second-name] it is a hard link: the same file has another name elsewhere"
    )
    files.replace("new", b"mine too")
    files.replace("link", b"a file now")
    assert (tmp_path / "victim").read_text() == "mine" and not (run_folder / "link").is_symlink()
    with pytest.raises(FolderError, match="it has more than 3 bytes"):
        files.read("new", 3)


# ---------------------------------------------------------------- code

ASKED = (
    "model.py is code in the folder of a run that was not made here, and code can do whatever you can; expected your "
    "consent; read a/model.py, and where you trust it give the same command with --trust (in Python trust=True)"
)


@pytest.mark.parametrize(
    "verb",
    [
        ["evaluate", "a"],
        ["report", "a"],
        ["predict", "a", "x.npy"],
        ["train", "a/recipe.toml"],
        ["profile", "a/recipe.toml"],
    ],
)
def test_code_of_a_strangers_run_waits_for_consent(stranger: Path, verb: list[str]) -> None:
    refused = inside(verb, stranger, expect=2)
    assert (
        refused.stderr.strip().endswith(ASKED.replace("a/model.py", str(stranger / "a" / "model.py")))
        and told(stranger) == ""
    )
    assert refused.stderr.startswith("[recipe.toml:3 model.use] ")


def test_consent_is_for_one_command(stranger: Path) -> None:
    inside(["evaluate", "a", "--trust"], stranger)
    assert told(stranger) == "ran"
    inside(["evaluate", "a"], stranger, expect=2)
    with pytest.raises(RecipeError, match="expected your consent"):
        open_run(stranger / "a")
    rewrite_report(stranger / "a", trust=True)


def test_a_recipe_in_a_strangers_run_is_profiled_after_consent(stranger: Path) -> None:
    inside(["profile", "a/recipe.toml", "--steps", "1", "--trust"], stranger)
    assert told(stranger) == "ran"


def test_ones_own_runs_ask_for_nothing(trained: Path, tmp_path: Path) -> None:
    """Where they are does not matter, nor whether the recipe is still there."""
    shutil.copytree(trained / "a", tmp_path / "moved")
    inside(["evaluate", "moved"], tmp_path)
    inside(["report", "moved"], tmp_path)


def test_what_a_user_trained_with_is_noted_by_file_and_name(trained: Path) -> None:
    store = Path(os.environ["XDG_STATE_HOME"]) / "powertrain" / trust.STORE
    assert f"{_sha256(trained / 'model.py')} Net model.py" in store.read_text().splitlines()
    assert store.stat().st_mode & 0o777 == 0o600


def test_another_name_in_a_known_file_is_not_known(trained: Path, tmp_path: Path) -> None:
    """A file may define more than a model; what a stranger's recipe calls in it, its user never called."""
    shutil.copytree(trained / "a", tmp_path / "a")
    recipe = tmp_path / "a" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("model.py:Net", "model.py:Other"))
    assert "expected your consent" in inside(["evaluate", "a"], tmp_path, expect=2).stderr


def test_a_changed_file_is_refused_with_consent_too(stranger: Path) -> None:
    path = stranger / "a" / "model.py"
    path.write_text(path.read_text() + "\n# changed\n")
    now, before = _sha256(path)[:12], _sha256(stranger / "model.py")[:12]
    for more in ([], ["--trust"]):
        assert inside(["evaluate", "a", *more], stranger, expect=2).stderr.strip() == (
            f"[recipe.toml:3 model.use] model.py is not the file that the run began with: its SHA-256 is {now}…, in "
            f"run.lock {before}…; expected the same; restore it, or begin a new run"
        )
    assert told(stranger) == ""


def test_files_beside_a_known_one_are_not_imported(trained: Path, tmp_path: Path) -> None:
    """A stranger may lay a file beside it, under the name of a module that it imports."""
    name = "powertrain_beside_probe"
    text = f"import importlib.util\nfound = importlib.util.find_spec('{name}')\nclass Net: pass\n"
    (tmp_path / "model.py").write_text(text)
    (tmp_path / f"{name}.py").write_text("")
    (tmp_path / "run.json").write_text("{}")
    sha256 = _sha256(tmp_path / "model.py")
    (tmp_path / "run.lock").write_text(
        json.dumps({"uses": [{"group": "model", "use": "./model.py:Net", "file": "model.py", "sha256": sha256}]})
    )
    with pytest.raises(PluginError, match="expected your consent"):
        load_local("./model.py:found", tmp_path)
    store = Path(os.environ["XDG_STATE_HOME"]) / "powertrain"
    store.mkdir(exist_ok=True, mode=0o700)
    with (store / trust.STORE).open("a") as file:
        file.write(f"{sha256} found model.py\n")
    (store / trust.STORE).chmod(0o600)
    assert load_local("./model.py:found", tmp_path)[0] is None


def test_a_store_that_others_can_write_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "powertrain").mkdir()
    store = tmp_path / "powertrain" / trust.STORE
    store.write_text("00 Net model.py\n")
    store.chmod(0o600)
    assert trust.remembered() == {("00", "Net")}
    store.chmod(0o622)
    assert trust.remembered() == set()


def test_a_run_whose_code_could_not_be_noted_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "small.toml").write_text(OWN)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    done = inside(["train", "small.toml", "--run", "a"], tmp_path)
    assert "powertrain evaluate will ask for --trust, since this could not be noted: " in done.stderr


# ---------------------------------------------------------------- reports

ATTACK = '<img src=x onerror="alert(1)">'


def test_nothing_in_a_run_breaks_out_of_its_report(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "a", tmp_path / "a")
    path = tmp_path / "a" / "results.json"
    found = json.loads(path.read_text())
    found["baselines"] = [{"name": ATTACK, "metric": ATTACK, "value": 0.5, "how": ATTACK}]
    found["expect"] = [{"name": ATTACK, "limit": ATTACK, "value": 0.5, "met": False}]
    found.update(fit=ATTACK, recipe=ATTACK)
    found["energy"]["method"] = ATTACK
    path.write_text(json.dumps(found))
    lines = [
        {"event": "metrics", "step": 3, "round": 1, "values": {f'valid."{ATTACK}': 1.0}},
        {"event": "sample", "step": 3, "round": 1, "text": ATTACK + "\ud800"},
    ]
    with (tmp_path / "a" / "ledger.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    inside(["report", "a"], tmp_path)
    page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8").replace(charts.script(), "")
    assert "<img src=x" not in page and page.count(standard.escape(ATTACK)) >= 9
    assert "default-src &#x27;none&#x27;; img-src data:; media-src data:; style-src" in page
    assert page.count("<script>") == 1 and page.endswith("<script></script></body></html>\n")
    assert set(re.findall(r"<(\w+)", page)) <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "b", "span", "table", "tr", "th",
        "td", "img", "pre", "a", "code", "details", "summary", "ul", "li", "div", "script", "figure", "figcaption",
    }  # fmt: skip
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', page)), "links stay on the page"


def test_markup_escapes_what_is_none() -> None:
    assert html('<p title="{}">{}</p>', "'\"", html("<b>{}</b>", "a&b")) == '<p title="&#x27;&quot;"><b>a&amp;b</b></p>'
    assert joined(("<", Html("<br>"), 3), ", ") == "&lt;, <br>, 3"
    assert html("{}", "\x1b\ud800\u202e") == "\\x1b\\ud800\\u202e"


# ---------------------------------------------------------------- terminals

ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def test_control_characters_are_seen_and_do_nothing() -> None:
    assert visible(ESCAPE) == r"\x1b]0;owned\x07\x1b[2J"
    assert visible("two\nlines\tand a tab") == "two\nlines\tand a tab"
    assert one_line("two\nlines\tand a tab\r") == r"two\nlines\tand a tab\r"
    assert visible("right\u202eto left, \x9b8m, \u2028, \ud800") == r"right\u202eto left, \x9b8m, \u2028, \ud800"
    assert visible("äöü 漢字 5\u00a0%") == "äöü 漢字 5\u00a0%"


def test_what_a_terminal_does_not_know_is_put_as_near_as_it_can_be() -> None:
    assert fitting("± 3 · a – b … → é Größe 漢", "ascii") == r"+/- 3 - a - b ... -> e Gro\xdfe \u6f22"
    assert fitting("± é", "latin-1") == "± é"
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    say("±\x1b", stream)
    stream.flush()
    assert stream.buffer.getvalue() == b"+/-\\x1b\n"  # type: ignore[attr-defined]


def test_escapes_in_recipes_and_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    key = json.dumps(f"wrong{ESCAPE}")
    (tmp_path / "key.toml").write_text(f"{key} = 1\n" + SMALL)
    (tmp_path / "value.toml").write_text(SMALL.replace('"mlp"', json.dumps(f"mlp{ESCAPE}")))
    for name in ("key.toml", "value.toml"):
        refused = inside(["train", name], tmp_path, expect=2)
        assert "\x1b" not in refused.stderr and "\x07" not in refused.stderr and "x1b" in refused.stderr
    (tmp_path / "data.py").write_text(DATA.replace("ESCAPE", repr(ESCAPE)))
    (tmp_path / "labels.toml").write_text(LABELS)
    done = inside(["train", "labels.toml", "--run", f"run{ESCAPE}"], tmp_path)
    listed = inside(["runs", "list", "."], tmp_path)
    for text in (done.stdout, done.stderr, listed.stdout, inside(["evaluate", f"run{ESCAPE}"], tmp_path).stdout):
        assert "\x1b" not in text and "\x07" not in text
    assert r"class\x1b]0;owned" in done.stdout and r"run\x1b]0;owned" in listed.stdout


DATA = """
import numpy as np
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data

class Named(Data):
    @classmethod
    def build(cls, params, base):
        print("loaded" + ESCAPE)
        x = np.random.Generator(np.random.Philox(key=1)).normal(size=(60, 3)).astype(np.float32)
        y = (x[:, 0] > 0).astype(np.int64)
        parts = {"train": ArrayDataset(x=x[:40], y=y[:40]), "test": ArrayDataset(x=x[40:], y=y[40:])}
        return DataModule("named", "classification", parts, 2, ("class" + ESCAPE, "größe"))
""".replace('        print("loaded" + ESCAPE)\n', "")
LABELS = """\
data      = "./data.py:Named"
model     = "linear"
optimizer = { use = "adamw", lr = 3e-2 }
run       = { until = "1 epoch", batch_size = 20 }
report    = { baseline = false }
"""


@pytest.mark.parametrize(
    "more", [{"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_every_verb_speaks_to_a_terminal_that_knows_only_ascii(tmp_path: Path, more: dict[str, str]) -> None:
    (tmp_path / "data.py").write_text(DATA.replace("ESCAPE", "'é'"), encoding="utf-8")
    (tmp_path / "labels.toml").write_text(LABELS)
    arguments: list[list[str]] = [
        ["train", "labels.toml", "--run", "größe"], ["evaluate", "größe"], ["report", "größe"], ["runs", "list", "."],
        ["runs", "hash", "größe"], ["recipes"], ["plugins"], ["train", "--help"],
    ]  # fmt: skip
    for words in arguments:
        done = subprocess.run(command(words), cwd=tmp_path, env=environment(**more), capture_output=True, check=False)
        assert done.returncode == 0 and b"Error" not in done.stderr, done.stderr
        assert done.stdout.isascii()
        if words[0] == "train" and len(words) > 2:
            assert b" - linear 8 params - " in done.stdout and b"+/-" in done.stdout and b"gro\\xdfe" in done.stdout


# ---------------------------------------------------------------- one place for each


def sources() -> list[tuple[Path, ast.AST]]:
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(PACKAGE.rglob("*.py"))
            if "templates" not in path.parts]  # fmt: skip


def called(tree: ast.AST) -> list[tuple[int, str, ast.Call]]:
    """Calls of a file: their line, and the name as it is written."""
    return [(node.lineno, ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_nobody_prints_but_the_console() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path, tree in sources()
        if path.name != "console.py"
        for line, name, _ in called(tree)
        if name == "print" or re.fullmatch(r"sys\.(stdout|stderr)\.write(lines)?|traceback\.print_\w+", name)
    ]
    assert wrong == []


def test_nobody_escapes_html_but_the_markup() -> None:
    wrong = [
        str(path.relative_to(PACKAGE))
        for path, tree in sources()
        if path.name != "markup.py"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(name.name == "html" for name in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "html")
    ]
    assert wrong == []


def test_markup_is_made_of_fixed_text_alone() -> None:
    """`Html` says that a text is safe, and `html` fills one in: both only ever see what stands in the source."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path, tree in sources()
        if path.name != "markup.py"
        for line, name, call in called(tree)
        if name in ("Html", "html") and not isinstance(call.args[0], ast.Constant)
    ]
    assert wrong == []
    tags = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in sources()
        if "train" in path.relative_to(PACKAGE).parts and path.name != "markup.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        and any(isinstance(part, ast.Constant) and re.search(r"</?\w+[ >]", str(part.value)) for part in node.values)
    ]
    assert tags == []


OPENERS = re.compile(
    r"open|os\.(open|replace|rename|unlink|remove|mkdir)|.*\.(open|read_text|read_bytes|write_text|write_bytes|unlink|"
    r"replace_with|rename|symlink_to|touch)"
)
# What opens files that are none of a run's, or the run's by the one way.
ELSEWHERE = {
    "energy.py": {"path.read_text"},  # the processor's counters
    "process.py": {"(SELF / name).read_text", "path.read_text"},  # what the system says of processes
    "leaderboard.py": {"SCRIPT.read_text"},  # a file of the package
    "exporting.py": {"written.rename"},  # to where the caller wants it
}


def test_nobody_opens_files_of_a_run_but_one_way() -> None:
    wrong = [
        f"{path.name}:{line} {name}"
        for path, tree in sources()
        if "train" in path.relative_to(PACKAGE).parts or path.name in ("local.py", "trust.py")
        for line, name, _ in called(tree)
        if OPENERS.fullmatch(name) and name not in ELSEWHERE.get(path.name, set())
    ]
    assert wrong == []


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_page_about_security_names_what_there_is() -> None:
    page = (PACKAGE.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    for word in ("--trust", "trust=True", "XDG_STATE_HOME", "run.lock", "safetensors", "allow_pickle"):
        assert word in page


def test_the_trust_option_is_where_code_of_a_run_may_run() -> None:
    for verb in ("train", "evaluate", "predict", "report", "profile", "monitor", "retrain", "tune"):
        done = subprocess.run(
            [*command([verb, "--help"])], env=environment(), capture_output=True, text=True, check=True
        )
        assert "--trust" in done.stdout
