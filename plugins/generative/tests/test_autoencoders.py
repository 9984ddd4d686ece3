"""Autoencoders and the variational one: their losses against formulas in float64, samples, resumes, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.decomposition import PCA

import powertrain as pt
from powertrain.plugin import Batch, Step
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_generative.errors import GenerativeError
from powertrain_generative.pixels import independent_bits, levelled, nats_of_levels

MLP = {"use": "mlp", "hidden": [48], "activation": "silu"}
RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"encoder": MLP, "decoder": MLP},
    "optimizer": {"use": "adamw", "lr": 3e-3},
    "run": {"until": "5 epochs", "batch_size": 64},
}
TOML = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "8 epochs", batch_size = 64, save_seconds = 0 }
model.encoder = { use = "mlp", hidden = [48] }
model.decoder = { use = "mlp", hidden = [48] }
"""


def logistic_nats(x: Any, middle: Any, width: Any, levels: int) -> Any:
    """-log of the mass of each level, in float64."""
    half = 0.5 / (levels - 1)
    above, below = expit((x + half - middle) / width), expit((x - half - middle) / width)
    return -np.log(np.where(x < half, above, np.where(x > 1 - half, 1 - below, above - below)))


@pytest.mark.parametrize("levels", [3, 17, 256])
def test_the_levels_have_the_mass_of_a_logistic_distribution(levels: int) -> None:
    draw = np.random.default_rng(0)
    x = draw.integers(0, levels, (40, 6)) / (levels - 1)
    said = draw.normal(size=(40, 12)) * 0.4
    middle, width = 0.5 + said[:, :6], np.exp(np.maximum(said[:, 6:] - 2, -7))
    wanted = logistic_nats(x, middle, width, levels).sum(axis=1)
    found = nats_of_levels(pt.asarray(x.astype("f")), pt.asarray(said.astype("f")), levels).numpy()
    np.testing.assert_allclose(found, wanted, rtol=2e-4)


@pytest.mark.parametrize("levels", [2, 5, 256])
@pytest.mark.parametrize("spread", [0.1, 30.0])
def test_the_levels_of_a_number_have_a_mass_of_one(levels: int, spread: float) -> None:
    """However far out the middle lies, and however narrow the distribution is, nothing overflows."""
    said = np.random.default_rng(1).normal(size=(1, 1 if levels == 2 else 2)).astype("f") * spread
    x = (np.arange(levels, dtype="f") / (levels - 1))[:, None]
    nats = nats_of_levels(pt.asarray(x), pt.asarray(np.repeat(said, levels, axis=0)), levels).numpy()
    assert np.isfinite(nats).all() and abs(np.exp(-nats.astype(np.float64)).sum() - 1) < 1e-3


def test_numbers_move_to_the_nearest_level() -> None:
    x = np.array([[0.0, 0.49, 0.51, 1.0]], "f")
    assert levelled(pt.asarray(x), 2).tolist() == [[0, 0, 1, 1]]
    assert levelled(pt.asarray(x), 3).tolist() == [[0, 0.5, 0.5, 1]]


def bits(run: Any, x: Any) -> Any:
    """The loss of examples, with the same draws each time."""
    return run.run.compute(run.run.strategy.losses, x=x)


def test_the_bound_is_the_one_of_the_paper() -> None:
    """Each part against float64, and the whole against an importance-weighted estimate, which it may not undercut."""
    run = pt.fit({**RECIPE, "strategy": {"use": "vae", "code": 2, "levels": 2}}, verbose=False)
    strategy, x = run.run.strategy, run.run.dataset.splits["test"].fetch(np.arange(20))["x"]

    def posterior(t: Step, batch: Batch) -> Any:
        return pt.concat(strategy.posterior(batch.x), axis=1)

    said = run.run.compute(posterior, x=x).astype(np.float64)
    middle, log_variance = said[:, :2], said[:, 2:]
    beyond = 0.5 * (middle**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
    parts = run.run.compute(lambda t, batch: pt.stack(strategy.bits(t, batch)), x=x)
    np.testing.assert_allclose(parts[0] * 64 * np.log(2), beyond, rtol=1e-3, atol=1e-4)
    assert parts[1].min() > 0
    # log p by 2,000 codes each: log mean p(x|z) p(z) / q(z|x).
    draw = np.random.default_rng(0).normal(size=(2000, 20, 2))
    codes = middle + np.exp(0.5 * log_variance) * draw
    decode = pt.compile(lambda z: strategy.decoder(z))
    logits = decode(pt.asarray(codes.reshape(-1, 2).astype("f"))).numpy().astype(np.float64).reshape(2000, 20, 64)
    seen = x.reshape(20, 64) > 0.5
    log_p = -np.where(seen, np.logaddexp(0, -logits), np.logaddexp(0, logits)).sum(axis=2)
    ratio = (0.5 * draw**2 + 0.5 * log_variance - 0.5 * codes**2).sum(axis=2)
    exact = -(np.logaddexp.reduce(log_p + ratio, axis=0) - np.log(2000)) / (64 * np.log(2))
    bounds = np.mean([(np.asarray(log_p[at]) * -1 + beyond) / (64 * np.log(2)) for at in range(2000)], axis=0)
    assert (bounds >= exact - 2e-3).all() and bounds.mean() > exact.mean()  # both are estimates
    assert abs(bits(run, x).mean() - bounds.mean()) < 0.05


def test_it_learns_more_than_single_pixels_say() -> None:
    run = pt.fit({**RECIPE, "strategy": {"use": "vae", "code": 8, "levels": 17}, "run": {"until": "30 epochs",
                  "batch_size": 64}}, verbose=False)  # fmt: skip
    (simple,) = run.results["baselines"]
    assert run.results["test"]["loss"] < simple["value"] - 0.2
    assert 2 < simple["value"] < 4.1  # of 17 levels, of which most pixels have few


def test_independent_bits_are_those_of_a_count() -> None:
    train = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    held = np.array([[0.0, 1.0]])
    assert independent_bits(2, train, held) == pytest.approx(-(np.log2(4 / 5) + np.log2(3 / 5)) / 2)


def test_the_linear_comparison_is_the_one_of_principal_components() -> None:
    run = pt.fit({**RECIPE, "strategy": {"use": "autoencoder", "code": 5}, "run": {"until": "1 epochs"}}, verbose=False)
    mean, linear = run.results["baselines"]
    train, test = (run.run.dataset.splits[part] for part in ("train", "test"))
    rows, held = (one.fetch(np.arange(len(one)))["x"].reshape(len(one), 64) for one in (train, test))
    pca = PCA(5).fit(rows)
    lost = held - pca.inverse_transform(pca.transform(held))
    assert linear["value"] == pytest.approx(np.square(lost).mean(), rel=1e-4)
    assert mean["value"] == pytest.approx(np.square(held - rows.mean(axis=0)).mean(), rel=1e-4)


def test_a_code_of_two_numbers_has_a_map_and_pictures(tmp_path: Path) -> None:
    run = pt.fit({**RECIPE, "strategy": {"use": "autoencoder", "code": 2}}, folder=tmp_path / "a", verbose=False)
    titles = [section.title for section in run.run.strategy.sections(run.run)]
    assert titles == ["Reconstructions", "The code"]
    page = run.report().read_text(encoding="utf-8")
    assert "Reconstructions" in page and "Left out" not in page and "is left out" not in page


@pytest.mark.parametrize("strategy", ['{ use = "autoencoder", noise = 0.1 }', '{ use = "vae", levels = 17 }'])
def test_a_killed_run_ends_with_the_same_bits(strategy: str, tmp_path: Path) -> None:
    killed_and_resumed(f"strategy = {strategy}\n{TOML}", tmp_path, after="epoch 3/")


def test_samples_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    (tmp_path / "vae.toml").write_text(
        f'strategy = {{ use = "vae", code = 4 }}\n{TOML}'.replace("8 epochs", "1 epochs")
    )
    powertrain("train", "vae.toml", "--run", "a", folder=tmp_path)
    for name in ("one.npy", "two.npy", "three.png"):
        said = powertrain("sample", "a", "--count", "12", "--seed", "3", "--out", name, folder=tmp_path)
        assert said.strip() == f"12 samples in {name}"
    one, two = np.load(tmp_path / "one.npy"), np.load(tmp_path / "two.npy")
    assert one.shape == (12, 8, 8) and (one == two).all() and one.min() >= 0 and one.max() <= 1
    run = pt.load(tmp_path / "a")
    assert (run.sample(12, seed=3) == one).all() and (run.sample(12, seed=4) != one).any()
    assert (tmp_path / "three.png").read_bytes().startswith(b"\x89PNG")
    titles = [section.title for section in run.run.strategy.sections(pt.load(tmp_path / "a").run)]
    assert titles == ["Reconstructions", "Samples", "Interpolations"]


def test_numbers_beyond_one_are_refused_before_anything_runs() -> None:
    with pytest.raises(GenerativeError) as caught:
        pt.fit({**RECIPE, "features": [], "strategy": "vae"}, verbose=False)
    assert str(caught.value) == (
        "[vae] examples of numbers from 0 to 16; expected 0 to 1; scale them: "
        'features = [{ use = "scale", by = 0.0625 }]'
    )


def test_a_finished_run_is_reported_and_quantized(tmp_path: Path) -> None:
    """Its losses are its own, so that no output is read as a class, now or when it is measured again."""
    text = 'strategy = { use = "vae", levels = 17 }\n' + TOML.replace("8 epochs", "2 epochs")
    (tmp_path / "small.toml").write_text(text, encoding="utf-8")
    powertrain("train", "small.toml", "--run", "run", folder=tmp_path)
    page = (tmp_path / "run/report.html").read_text(encoding="utf-8")
    powertrain("report", "run", folder=tmp_path)
    assert (tmp_path / "run/report.html").read_text(encoding="utf-8").count("<h2>") == page.count("<h2>")
    assert pt.load(tmp_path / "run").quantize(8, folder=tmp_path / "small").metric == "loss"
