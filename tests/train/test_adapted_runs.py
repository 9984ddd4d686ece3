"""Runs with adapters, rates by depth and late layers: what is trained, resumed, opened, and refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.nn.display import counts
from powertrain.recipe import RecipeError, load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import RunError
from powertrain.train.session import train

BASE = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [32, 24] }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "2 epochs", batch_size = 64 }
report    = { baseline = false, worst = 0 }
"""
HEAD = "layers.2.*"


def adapted(kind: str = "lora", more: str = "") -> str:
    table = f'weights = "base", fresh = "{HEAD}", adapters = {{ kind = "{kind}", rank = 4{more} }}'
    return BASE.replace("[32, 24] }", f"[32, 24], {table} }}")


def go(folder: Path, text: str, name: str, **options: Any) -> Any:
    (folder / "small.toml").write_text(text)
    options.setdefault("display", Display(quiet=True))
    return train(load_recipe(str(folder / "small.toml")), folder / name, **options)


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    found, _ = Checkpoints(folder).latest()
    assert found is not None
    return found.arrays


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run `base`."""
    folder = tmp_path_factory.mktemp("adapted")
    go(folder, BASE, "base")
    return folder


@pytest.mark.parametrize(("kind", "more"), [("lora", ""), ("dora", ", bits = 4"), ("bottleneck", ", bits = 8")])
def test_a_run_trains_its_adapters_and_what_is_fresh(home: Path, tmp_path: Path, kind: str, more: str) -> None:
    shown = io.StringIO()
    results = go(home, adapted(kind, more), str(tmp_path / "run"), display=Display(stream=shown)).results
    begun, after = arrays_of(home / "base"), arrays_of(tmp_path / "run")
    frozen = [name for name in after if ".base." in name]
    assert frozen
    if not more:
        for name in frozen:
            np.testing.assert_array_equal(after[name], begun[name.replace(".base.", ".")])
    else:
        assert any(after[name].dtype in (np.int8, np.uint8) for name in frozen)
    again = pt.load(tmp_path / "run")
    total, trains = counts(again.model)
    assert trains < total and f"mlp {total:,} params, {trains:,} trained" in shown.getvalue()
    assert results["test"]["accuracy"] > 0.5 and again.evaluate()["test"] == results["test"]


@pytest.mark.parametrize("text", [
    adapted("dora", ", dropout = 0.1, bits = 8"),
    BASE.replace("lr = 3e-3 }", "lr = 3e-3, layer_decay = 0.5, unfreeze_every = 15 }"),
])  # fmt: skip
def test_a_run_that_stops_in_the_middle_goes_on_to_the_same_bits(home: Path, tmp_path: Path, text: str) -> None:
    longer = text.replace("2 epochs", "4 epochs")
    straight = go(home, longer, str(tmp_path / "whole")).results
    go(home, text, str(tmp_path / "parts"))
    assert go(home, longer, str(tmp_path / "parts"), resume=True).results["hash"] == straight["hash"]


def test_a_run_with_adapters_is_what_another_begins_with(home: Path, tmp_path: Path) -> None:
    go(home, adapted(), str(tmp_path / "first"))
    text = adapted().replace('weights = "base", fresh = "layers.2.*"', f'weights = "{tmp_path / "first"}"')
    text = text.replace("rank = 4", 'rank = 4, trained = ["layers.2.*"]').replace("lr = 3e-3", "lr = 1e-12")
    begun = go(home, text, str(tmp_path / "second"))
    assert begun.results["test"]["accuracy"] == pt.load(tmp_path / "first").results["test"]["accuracy"]


def test_layers_begin_to_be_trained_one_after_the_other(home: Path, tmp_path: Path) -> None:
    text = BASE.replace("lr = 3e-3 }", "lr = 3e-3, unfreeze_every = 1_000 }")
    go(home, text.replace("[32, 24] }", '[32, 24], weights = "base" }'), str(tmp_path / "run"))
    begun, after = arrays_of(home / "base"), arrays_of(tmp_path / "run")
    for name in ("layers.0.weight", "layers.1.bias", "layers.2.weight"):
        assert np.array_equal(begun[f"model.{name}"], after[f"model.{name}"]) is not name.startswith("layers.2"), name


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["lora", "dora", "bottleneck"])
def test_every_verb_takes_a_run_with_adapters(home: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("torch", reason="the export to safetensors is compared in PyTorch")
    go(home, adapted(kind), str(tmp_path / "run"))
    x = np.random.default_rng(0).integers(0, 17, (5, 8, 8)).astype("float32")
    want = pt.load(tmp_path / "run").predict(x).outputs
    small = pt.load(tmp_path / "run").quantize(8, folder=tmp_path / "small")
    assert small.kept and np.abs(small.run.predict(x).outputs - want).max() < 0.3
    for verb in (["evaluate"], ["report", "--card"], ["export", "--to", "safetensors"], ["export", "--to", "c"]):
        name, *options = verb
        given = [name, str(tmp_path / "run"), *options]
        given += ["--out", str(tmp_path / options[-1])] if name == "export" else []
        assert main(given) == 0, verb
    total, trains = counts(pt.load(tmp_path / "run").model)
    assert f"{total:,}, of which {trains:,} are trained" in (tmp_path / "run" / "card.md").read_text()


def test_an_adapter_of_a_run_goes_on_its_base(home: Path, tmp_path: Path) -> None:
    go(home, adapted("dora"), str(tmp_path / "run"))
    model = pt.load(tmp_path / "run").model
    pt.nn.adapters.save(tmp_path / "adapters.safetensors", model)
    base = pt.load(home / "base").model
    again = pt.nn.adapters.load(tmp_path / "adapters.safetensors", base)
    x = np.random.default_rng(0).random((5, 8, 8)).astype("float32")
    np.testing.assert_array_equal(again.eval()(x).numpy(), model.eval()(x).numpy())
    merged = pt.nn.adapters.merge(again)
    assert merged.trainable() == [merged.layers[2].weight, merged.layers[2].bias]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("rank = 4", 'targets = ["*.q_proj"]',
         "[model.model.adapters] [adapters] targets = '*.q_proj' names no linear layer; expected a pattern of names "
         "such as layers.0, layers.1, layers.2; see model.named_modules()"),
        ("rank = 4", 'trained = ["norm.*"]',
         "[model.model.adapters.trained] 'norm.*' matches no parameter; expected a pattern of names such as "
         "layers.0.weight, layers.0.bias, layers.1.weight"),
    ],
)  # fmt: skip
def test_patterns_that_name_nothing_are_said_before_there_is_a_run(
    home: Path, tmp_path: Path, old: str, new: str, text: str
) -> None:
    with pytest.raises(RunError) as caught:
        go(home, adapted().replace(old, new), str(tmp_path / "run"))
    assert str(caught.value) == text and not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("rank = 4", "rank = 0", "adapters.rank] received 0; expected a whole number >= 1 and <= 65,536"),
        ("rank = 4", "bits = 3", "adapters.bits] received 3; expected one of 8, 4"),
        ('kind = "lora"', 'kind = "lara"', 'adapters.kind] received "lara"; expected one of "lora", "dora", "bottlen'),
        ("rank = 4", "ranks = 4", "adapters.ranks] no such parameter of adapters; expected kind, rank"),
        ("adapters =", 'frozen = "layers.0.*", adapters =', "frozen] received it with adapters, which freeze all else"),
        ("lr = 3e-3", "lr = 3e-3, layer_decay = 2.0", "layer_decay] received 2.0; expected a number > 0 and < 1"),
        ("lr = 3e-3", "lr = 3e-3, unfreeze_every = 0", "unfreeze_every] received 0; expected a whole number >= 1"),
    ],
)  # fmt: skip
def test_mistakes_of_a_recipe_are_said(home: Path, old: str, new: str, text: str) -> None:
    (home / "small.toml").write_text(adapted().replace(old, new))
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(home / "small.toml"))
    assert text in str(caught.value)
