"""MLflow's model registry behind `powertrain models`, with its store of one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.models import AliasMovedError, RegistryError

mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")


# SQLAlchemy warns of what MLflow calls.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "digits-1"
    pt.fit("digits", epochs=1, folder=folder, verbose=False)
    return folder


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = f"mlflow:sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("POWERTRAIN_MODELS", found)
    return found


def test_versions_aliases_and_history_are_those_of_a_folder(address: str, trained: Path) -> None:
    registry = pt.models.open_registry()
    assert registry.names() == [] and registry.place == address
    first = registry.register("digits", trained, alias="champion", why="the first")
    second = registry.register("digits", trained, alias="challenger")
    assert (first.number, second.number) == (1, 2) and first.sha256 == second.sha256
    assert registry.version("digits").aliases == ("champion",) and "test.accuracy" in first.values
    assert registry.promote("digits", why="better").number == 2
    assert set(registry.version("digits").aliases) == {"challenger", "champion"}
    assert registry.rollback("digits", why="worse in use").number == 1
    lines = registry.history("digits")
    assert [line["event"] for line in lines].count("register") == 2
    moved = [(line["version"], line["why"]) for line in lines if line.get("alias") == "champion"]
    assert moved == [(1, "the first"), (2, "better"), (1, "worse in use")]
    with pytest.raises(RegistryError, match="was the first champion"):
        registry.rollback("digits")
    with pytest.raises(AliasMovedError, match="champion is version 1 by now"):
        registry.promote("digits", 2, over=2)
    with pytest.raises(RegistryError, match=r"it has no 7; expected one of 1, 2"):
        registry.version("digits", 7)


def test_runs_are_opened_by_their_address(address: str, trained: Path, tmp_path: Path) -> None:
    pt.models.open_registry().register("digits", trained, alias="champion")
    x = np.random.default_rng(0).integers(0, 17, (3, 8, 8)).astype("float32")
    want = pt.load(trained).predict(x).outputs
    for given in ("models:/digits", "models:/digits@champion", "models:/digits/1"):
        np.testing.assert_array_equal(pt.load(given).predict(x).outputs, want)
    assert len(list((tmp_path / "cache" / "powertrain" / "models").iterdir())) == 1


def test_an_alias_that_somebody_moves_in_mlflow_counts(address: str, trained: Path) -> None:
    registry = pt.models.open_registry()
    for _ in range(3):
        registry.register("digits", trained)
    registry.promote("digits", 1)
    client = mlflow.MlflowClient(address.partition(":")[2], address.partition(":")[2])
    client.set_registered_model_alias("digits", "champion", "3")
    assert registry.version("digits").number == 3
    assert registry.rollback("digits").number == 1
    assert client.get_model_version_by_alias("digits", "champion").version in (1, "1")


def test_models_of_others_are_left_alone(address: str, trained: Path) -> None:
    client = mlflow.MlflowClient(address.partition(":")[2], address.partition(":")[2])
    client.create_registered_model("theirs")
    assert pt.models.open_registry().names() == []


def test_files_that_changed_are_refused(address: str, trained: Path, tmp_path: Path) -> None:
    registry = pt.models.open_registry()
    registry.register("digits", trained, alias="champion")
    kept = next(path for path in tmp_path.rglob("results.json"))
    kept.write_text(kept.read_text().replace("accuracy", "accurate"))
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    with pytest.raises(RegistryError, match="are not those that were registered"):
        pt.load("models:/digits")


def test_the_command_takes_it(address: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--folder", address]
    assert main(["models", "register", "digits", str(trained), "--alias", "champion", *where]) == 0
    capsys.readouterr()
    assert main(["models", "--json", *where]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["number"], found["aliases"]) == ("digits", 1, ["champion"])


def test_a_store_that_cannot_be_opened_is_said() -> None:
    with pytest.raises(RegistryError, match=r"\[models\] MLflow does not .*; expected a registry that answers"):
        pt.models.open_registry("mlflow:nowhere://x").names()


def test_a_registry_of_files_says_how_to_open_it(address: str) -> None:
    with pytest.raises(RegistryError, match="for a registry of files; expected a folder"):
        pt.models.Registry()


def test_without_mlflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("powertrain.models.mlflow_registry.importlib.import_module", missing)
    with pytest.raises(RegistryError, match=r'pip install "powertrain-loggers\[mlflow\]"'):
        pt.models.open_registry("mlflow")
