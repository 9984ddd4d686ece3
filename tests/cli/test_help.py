"""`powertrain help TOPIC`: keys, public names and pages, from what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from powertrain.cli import help, main
from powertrain.io import pages as documentation
from powertrain.recipe.reference import HelpError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pages in place of those of the wheel."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "data.md").write_text("# Data and metrics\n\nRead a table.\n", encoding="utf-8")
    (tmp_path / "plugins" / "loss.md").write_text("# A loss\n\nOne value per example.\n", encoding="utf-8")
    (tmp_path / "plugins" / "README.md").write_text("# Plugins\n", encoding="utf-8")
    monkeypatch.setattr(documentation, "PAGES", tmp_path)
    return tmp_path


@pytest.mark.parametrize("topic", ["plugins/loss", "plugins/loss.md", "docs/plugins/loss.md"])
def test_a_page_is_printed_by_its_name_or_as_messages_cite_it(topic: str, pages: Path) -> None:
    assert help.about(topic) == "# A loss\n\nOne value per example."


@pytest.mark.parametrize("topic", ["plugins", "plugins/", "docs/plugins/README.md"])
def test_a_folder_means_its_first_page(topic: str, pages: Path) -> None:
    assert help.about(topic) == "# Plugins"


def test_the_last_part_of_a_path_is_enough(pages: Path) -> None:
    assert help.about("loss").startswith("loss: one value for each example")  # a key comes first
    (pages / "ideas").mkdir()
    (pages / "ideas" / "overfitting.md").write_text("# Overfitting\n", encoding="utf-8")
    assert help.about("overfitting") == "# Overfitting"
    (pages / "plugins" / "overfitting.md").write_text("# Another\n", encoding="utf-8")
    assert help.about("overfitting").splitlines()[-2:] == [
        "  powertrain help ideas/overfitting    Overfitting",
        "  powertrain help plugins/overfitting  Another",
    ]


def test_a_key_comes_before_the_page_of_its_name(pages: Path) -> None:
    said = help.about("data").splitlines()
    assert said[0].startswith("data: what is learned from")
    assert said[-1] == "powertrain help docs/data.md prints the page of that name"
    assert help.about("docs/data.md") == "# Data and metrics\n\nRead a table."


@pytest.mark.parametrize("topic", ["pt.matmul", "powertrain.matmul", "matmul"])
def test_a_public_name_shows_its_signature_and_docstring(topic: str, pages: Path) -> None:
    first, _, rest = help.about(topic).partition("\n")
    assert first.startswith("pt.matmul(") and ">>> " in rest


def test_a_class_of_a_module_is_found(pages: Path) -> None:
    assert help.about("nn.Linear").startswith("pt.nn.Linear(in_features")


def test_a_module_that_is_imported_by_itself_is_found(pages: Path) -> None:
    assert help.about("pt.plugin.testing.powertrain").startswith("pt.plugin.testing.powertrain(*arguments")
    names = help.about("powertrain.plugin.testing").splitlines()[4]
    assert names == "Names: killed_and_resumed, powertrain, trained"


def test_a_function_of_the_engine_shows_its_signature_once(pages: Path) -> None:
    said = help.about("pt.tensor")
    assert said.startswith("pt.tensor(data: object, dtype: object = None") and said.count("dtype: object") == 1


def test_what_is_not_public_is_unknown(pages: Path) -> None:
    with pytest.raises(HelpError, match=r"^\[help\] received pt\._core; expected a key of a recipe, a page or"):
        help.about("pt._core")


@pytest.mark.parametrize(("topic", "meant"), [("plugins/los", "plugins/loss"), ("pt.matmull", "pt.matmul")])
def test_a_topic_that_is_nearly_one_is_suggested(topic: str, meant: str, pages: Path) -> None:
    with pytest.raises(HelpError) as caught:
        help.about(topic)
    assert str(caught.value) == (
        f"[help] received {topic}; expected a key of a recipe, a page or a public name; did you mean {meant}?; "
        "powertrain help lists keys and pages, and powertrain plugins show NAME the parameters of a plugin"
    )


def test_the_list_names_sections_and_pages(pages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("data       what is learned from")
    assert lines[-3:] == ["  data          Data and metrics", "  plugins       Plugins", "  plugins/loss  A loss"]


OF_CONTRIBUTORS = {Path(f"{name}.md") for name in ("testing", "dependencies", "adding-an-op", "adding-a-pass")}


def test_the_wheel_has_every_page() -> None:
    """Each page of docs/ that is written by hand, whole, but for those that only who works on the engine needs."""
    if not documentation.PAGES.is_dir():
        pytest.skip(f"no {documentation.PAGES}: powertrain is not installed from a wheel")
    docs = ROOT / "docs"
    wanted = {path.relative_to(docs) for path in docs.rglob("*.md")}
    wanted = {path for path in wanted if path.parts[0] not in ("api", "project") and path.name != "index.md"}
    there = {path.relative_to(documentation.PAGES) for path in documentation.PAGES.rglob("*.md")}
    assert there - OF_CONTRIBUTORS == wanted - OF_CONTRIBUTORS
    assert all((documentation.PAGES / path).read_bytes() == (docs / path).read_bytes() for path in there)


@pytest.mark.parametrize("topic", ["pt.nan", "nan", "powertrain.nan"])
def test_a_number_is_shown_as_what_it_is(topic: str, pages: Path) -> None:
    assert help.about(topic) == "pt.nan = nan"


@pytest.mark.parametrize(
    ("topic", "written"),
    [
        ("AveragedModel", "write pt.optim.EMA(model)"),
        ("torch.optim.swa_utils.AveragedModel", "write pt.optim.EMA(model)"),
        ("autograd.Function", "pt.custom_gradient(fn) for Function"),
    ],
)
def test_a_name_of_another_library_shows_what_to_write(topic: str, written: str, pages: Path) -> None:
    assert written in help.about(topic)


# What people type who have read nothing, and a part of what they are told.
WORDS = {
    "train": "powertrain train --help",
    "resume": "powertrain help guides/saving",
    "pictures": "powertrain help your-data",
    "images": "powertrain help data ",
    "csv": "powertrain help your-data",
    "table": "powertrain plugins show table",
    "text": "powertrain plugins show text",
    "lr": "powertrain help optimizer.groups.lr",
    "scheduler": "powertrain help from-pytorch",
    "dataloader": "powertrain help pt.data.DataLoader",
    "batch": "powertrain help run.batch_size",
    "epochs": "powertrain help ideas/epochs-and-batches",
    "serve": "powertrain help guides/serving",
    "pytorch": "powertrain help from-pytorch",
    "jax": "powertrain help guides/from-jax",
    "bf16": "powertrain help guides/mixed-precision",
    "precision": "powertrain help run.precision",
    "threads": "powertrain help run.threads",
    "accuracy": "powertrain help pt.metrics.Accuracy",
    "seed": "powertrain help run.seed",
    "install": "powertrain help get-started",
    "Linear": "powertrain help pt.nn.Linear",
    "lora": "powertrain help guides/fine-tuning",
    "sklearn": "powertrain help scikit-learn",
    "plugin": "powertrain help plugins",
    "recipe": "powertrain help recipes/reference",
}


@pytest.mark.parametrize(("word", "told"), WORDS.items())
def test_a_word_shows_where_it_is_found(word: str, told: str) -> None:
    if not documentation.PAGES.is_dir():
        pytest.skip(f"no {documentation.PAGES}: powertrain is not installed from a wheel")
    lines = [line.strip() for line in help.about(word).splitlines()]
    assert [line for line in lines if f"{line} ".startswith(f"{told.strip()} ")], "\n".join(lines)
    assert "NoReturn" not in help.about(word)


def test_every_command_that_a_word_shows_works(pages: Path) -> None:
    for line in help.about("metrics").splitlines():
        if line.startswith("  powertrain help "):
            assert help.about(line.split()[2])


def test_a_word_that_is_nowhere_is_unknown(pages: Path) -> None:
    with pytest.raises(HelpError, match=r"^\[help\] received rutabaga; expected a key of a recipe, a page or"):
        help.about("rutabaga")
