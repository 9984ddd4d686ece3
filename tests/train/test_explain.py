"""`run.explain`: permutation importance as scikit-learn has it, integrated gradients, attention, neighbours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.train.explain import attention as looking
from powertrain.train.folder.run_folder import RunError
from rows_run import train_rows
from running import run

COLUMNS = 5


def rows(count: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Numbers that are linear in four of five columns."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, COLUMNS)).astype(np.float32)
    return x, (x @ np.array([3.0, -2.0, 1.0, 0.5, 0.0]) + 0.3 * draw.normal(size=count)).astype(np.float32)


@pytest.fixture(scope="module")
def linear() -> pt.TrainedRun:
    return pt.fit(
        model=pt.nn.Linear(COLUMNS, 1), data=rows(), validation=0.25, epochs=60, lr=0.05, batch_size=50, verbose=False
    )


@pytest.fixture(scope="module")
def network() -> pt.TrainedRun:
    x, y = rows()
    model = pt.nn.Sequential(pt.nn.Linear(COLUMNS, 32), pt.nn.ReLU(), pt.nn.Linear(32, 3))
    labels = np.digitize(y, [-1.5, 1.5])
    return pt.fit(model=model, data=(x, labels), validation=0.25, epochs=30, lr=1e-2, batch_size=50, verbose=False)


def test_permutation_importance_is_that_of_scikit_learn(linear: pt.TrainedRun) -> None:
    inspection = pytest.importorskip("sklearn.inspection", reason="scikit-learn is what it is compared with")
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is what it is compared with")
    x, y = rows(300, seed=1)

    class Asked(base.RegressorMixin, base.BaseEstimator):
        """The run as scikit-learn wants to have it."""

        def fit(self, x: Any, y: Any) -> Asked:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, x: Any) -> Any:
            return linear.predict(x).values

    repeats = 60
    ours = linear.explain(x, y, method="permutation", metric="r2", repeats=repeats, seed=1)
    theirs = inspection.permutation_importance(Asked(), x, y, scoring="r2", n_repeats=repeats, random_state=2)
    error = np.sqrt((ours.deviations**2 + theirs.importances_std**2) / repeats)
    assert (np.abs(ours.values - theirs.importances_mean) <= 4 * error + 1e-9).all()
    assert ours.score == pytest.approx(linear.evaluate((x, y))["r2"], abs=1e-9)
    # Of a linear model of independent columns: twice the share of the variance that a column brings.
    weight = linear.model.weight.numpy()[:, 0]
    wanted = 2 * (weight * x.std(axis=0)) ** 2 / y.var()
    assert ours.values == pytest.approx(wanted, rel=0.25, abs=0.01)


def test_permutation_importance_of_a_metric_that_is_better_lower(linear: pt.TrainedRun) -> None:
    x, y = rows(300, seed=1)
    found = linear.explain(x, y, method="permutation", metric="mse", repeats=40)
    weight = linear.model.weight.numpy()[:, 0]
    assert found.values == pytest.approx(2 * (weight * x.std(axis=0)) ** 2, rel=0.25, abs=0.1)
    assert found.values.argmax() == 0 and found.each.shape == (COLUMNS, 40)
    again = linear.explain(x, y, method="permutation", metric="mse", repeats=40)
    np.testing.assert_array_equal(found.each, again.each)
    assert repr(found).startswith("Importance(mse 0.") and "column 0" in repr(found)
    assert repr(found).endswith(", and 2 more)")


def test_permutations_of_a_part(network: pt.TrainedRun) -> None:
    found = network.explain("valid", method="permutation")
    assert found.metric == "accuracy" and found.score == network.evaluate("valid")["accuracy"]
    assert found.values[:2].min() > found.values[4]
    np.testing.assert_array_equal(network.explain(method="permutation").each, found.each)  # the part that is judged


def test_integrated_gradients_of_a_linear_model_are_exact(linear: pt.TrainedRun, tmp_path: Path) -> None:
    x = rows(7, seed=2)[0]
    weight = linear.model.weight.numpy()[:, 0].astype(np.float64)
    found = linear.explain(x)
    np.testing.assert_allclose(found.values, x * weight, rtol=1e-5, atol=1e-6)
    assert found.gap.max() < 1e-5 and found.of == ("the answer",) * 7
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(linear.explain(tmp_path / "x.npy").values, found.values)
    base = rows(1, seed=3)[0]
    found = linear.explain(x, baseline=base)
    np.testing.assert_allclose(found.values, (x - base) * weight, rtol=1e-5, atol=1e-6)
    each = rows(7, seed=4)[0]
    np.testing.assert_allclose(linear.explain(x, baseline=each).values, (x - each) * weight, rtol=1e-5, atol=1e-6)


def test_integrated_gradients_of_a_smooth_network_are_the_integral() -> None:
    """By their definition: (x - b) times the mean over t in 0..1 of the gradient at b + t (x - b), summed finely."""
    x, y = rows()
    model = pt.nn.Sequential(pt.nn.Linear(COLUMNS, 8), pt.nn.Tanh(), pt.nn.Linear(8, 1))
    trained = pt.fit(model=model, data=(x, y), epochs=10, lr=1e-2, verbose=False)
    one = x[:3]
    found = trained.explain(one)
    weight1, bias1 = (slot.numpy().astype(np.float64) for slot in (model[0].weight, model[0].bias))
    weight2 = model[2].weight.numpy().astype(np.float64)
    ends = (np.arange(4000) + 0.5) / 4000
    total = np.zeros(one.shape)
    for t in ends:
        slope = (1 - np.tanh(t * one @ weight1 + bias1) ** 2) * weight2[:, 0]
        total += slope @ weight1.T
    np.testing.assert_allclose(found.values, one * total / len(ends), rtol=1e-3, atol=1e-5)


def assert_it_adds_up(found: Any) -> None:
    """Within a hundredth of the difference, or a thousandth of what was added, as the method promises."""
    added = np.abs(found.values).reshape(len(found.values), -1).sum(axis=1)
    allowed = np.maximum(0.01 * np.abs(found.outputs - found.base), 0.001 * added) + 1e-5
    assert (found.gap <= allowed * 1.001).all() and found.steps < 1024


@pytest.mark.parametrize("seed", range(5, 13))
def test_attributions_add_up_over_many_bends(seed: int) -> None:
    """One rule over the whole line met bends slowly: with 1,024 points it left a gap beyond what is promised."""
    x, y = rows()
    pt.random.seed(seed)
    model = pt.nn.Sequential(pt.nn.Linear(COLUMNS, 32), pt.nn.ReLU(), pt.nn.Linear(32, 3))
    trained = pt.fit(model=model, data=(x, np.digitize(y, [-1.5, 1.5])), epochs=3, lr=1e-2, verbose=False)
    assert_it_adds_up(trained.explain(rows(90, seed=5)[0]))


def test_attributions_add_up(network: pt.TrainedRun) -> None:
    x = rows(90, seed=5)[0]
    found = network.explain(x)
    said = network.predict(x)
    assert found.of == tuple(said.labels.astype(str)) and found.values.shape == x.shape
    np.testing.assert_allclose(found.outputs, said.outputs.max(axis=1), rtol=1e-5, atol=1e-5)
    assert_it_adds_up(found)
    for of in ("2", 2):
        other = network.explain(x, of=of)
        np.testing.assert_allclose(other.outputs, said.outputs[:, 2], rtol=1e-5, atol=1e-5)
    with pytest.raises(
        RunError, match=r"^\[explain\] received of='5'; expected an output from 0 to 2, or one of 0, 1, 2"
    ):
        network.explain(x, of="5")


def test_attributions_are_the_same_few_examples_at_a_time(
    network: pt.TrainedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of many large pictures would not fit into memory together."""
    x = rows(90, seed=5)[0]
    together = network.explain(x)
    monkeypatch.setattr("powertrain.train.explain.gradients.HELD", 4 * COLUMNS * 7)
    apart = network.explain(x)
    np.testing.assert_allclose(apart.values, together.values, rtol=1e-5, atol=1e-6)
    assert apart.steps == together.steps and apart.of == together.of


def test_attributions_of_pictures() -> None:
    digits = pt.fit("digits", epochs=3, verbose=False)
    x = np.random.default_rng(0).integers(0, 17, (3, 8, 8)).astype(np.float32)
    found = digits.explain(x)
    assert found.values.shape[:3] == (3, 8, 8)
    assert_it_adds_up(found)
    assert found._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"


def attending(module: pt.nn.Module) -> Any:
    """A run of a transformer over rows of 6 places of 8 numbers."""

    class Net(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = module
            self.head = pt.nn.Linear(8, 2)

        def forward(self, x: Any) -> Any:
            mixed = self.mix(x) if not isinstance(self.mix, pt.nn.MultiheadAttention) else self.mix(x, x, x)[0]
            return self.head(mixed[:, 0])

    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 6, 8)).astype(np.float32)
    return x, pt.fit(model=Net(), data=(x, (x[:, 0, 0] > 0).astype(np.int64)), epochs=2, verbose=False)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_a_block_is_what_it_mixes_by(causal: bool) -> None:
    block = pt.nn.TransformerBlock(8, 2, causal=causal)
    x, trained = attending(block)
    found = trained.explain(x[:4], method="attention")
    assert found.layers == ("mix",) and found.values[0].shape == (4, 2, 6, 6)
    shares = found.values[0]
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
    if causal:
        assert (shares[..., ~np.tri(6, dtype=bool)] == 0).all()
    # Values mixed by these shares are what the block itself computes.
    q, k, v = (
        pt.reshape(one, (4, 6, 2, 4)) for one in pt.split(block.qkv(block.ln1(pt.tensor(x[:4]))), 3, axis=2)
    )  # fmt: skip
    wanted = pt.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal).numpy()
    mixed = np.einsum("bhqk,bkhd->bqhd", shares, v.numpy())
    np.testing.assert_allclose(mixed, wanted, rtol=1e-4, atol=1e-5)


def test_attention_of_modules_as_pytorch_has_them() -> None:
    for module in (pt.nn.MultiheadAttention(8, 2), pt.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5)):
        x, trained = attending(module)
        found = trained.explain(x[:3], method="attention")
        np.testing.assert_allclose(found.values[0].sum(axis=-1), 1, rtol=1e-5)
        assert found.values[0].shape == (3, 2, 6, 6)
        part = module if isinstance(module, pt.nn.MultiheadAttention) else module.self_attn
        one = pt.tensor(x[:3])
        wanted = part(one, one, one, average_attn_weights=False)[1].numpy()
        np.testing.assert_allclose(found.values[0], wanted, rtol=1e-5, atol=1e-6)


def test_attention_of_many_examples_goes_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pt.nn.TransformerBlock(8, 2), pt.nn.MultiheadAttention(8, 2)):
        x, trained = attending(module)
        (whole,) = trained.explain(x[:11], method="attention").values
        sizes: list[int] = []
        predict = trained.run.strategy.predict
        with monkeypatch.context() as patch:
            patch.setattr(looking, "AT_ONCE", 4)
            patch.setattr(trained.run.strategy, "predict", lambda t, b: (sizes.append(len(b.x)), predict(t, b)))  # noqa: B023
            (pieces,) = trained.explain(x[:11], method="attention").values
        assert sizes == [4, 4, 3] and pieces.shape == whole.shape
        np.testing.assert_allclose(pieces, whole, rtol=1e-5, atol=1e-6)


def test_attention_of_a_language_model_names_its_tokens(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("the cat sat on the mat and the dog sat on the log. " * 40, encoding="utf-8")
    trained = pt.fit(
        model={"use": "gpt", "layers": 2, "heads": 2, "width": 16}, steps=3, batch_size=4, verbose=False,
        data={"use": "text", "path": str(tmp_path / "book.txt"), "context": 12},
    )  # fmt: skip
    tokens = trained.run.dataset.vocabulary.encode("the cat sat ")
    found = trained.explain(tokens, method="attention")
    assert len(found.values) == 2 and found.values[0].shape == (1, 2, 12, 12)
    assert "".join(found.tokens) == "the cat sat " and found.save(tmp_path / "look.svg").is_file()


class Looped(pt.nn.Module):
    """Attention within a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = pt.nn.MultiheadAttention(COLUMNS, 1)

    def forward(self, x: Any) -> Any:
        x = pt.expand_dims(x, 1)
        return pt.scan(lambda state, _: (self.attention(state, state, state)[0], None), x, length=2)[0][:, 0, :1]


def test_attention_within_a_loop_cannot_be_looked_at() -> None:
    run = pt.fit(model=Looped(), data=rows(40), epochs=1, verbose=False)
    with pytest.raises(RunError, match=r"^\[explain\] the answers are made in a loop, within which attention"):
        run.explain(rows(3)[0], method="attention")


def test_the_nearest_training_example_of_a_training_example_is_itself(network: pt.TrainedRun) -> None:
    parts = network.run.dataset.splits
    train = parts["train"].fetch(np.arange(len(parts["train"])))
    found = network.explain(train["x"][10:14], method="nearest", count=3)
    assert found.rows[:, 0].tolist() == [10, 11, 12, 13] and found.distances[:, 0] == pytest.approx(
        np.zeros(4), abs=1e-9
    )
    assert (np.diff(found.distances, axis=1) >= 0).all() and found.labels[0][0] == str(train["y"][10])
    # What the last layer is given, compared one by one.
    hidden = network.model[1](network.model[0](pt.tensor(train["x"]))).numpy().astype(np.float64)
    far = np.sqrt(np.square(hidden - hidden[10]).sum(axis=1))
    np.testing.assert_array_equal(found.rows[0], np.argsort(far, kind="stable")[:3])
    np.testing.assert_allclose(found.distances[0], np.sort(far)[:3], atol=1e-6)


def test_neighbours_need_the_training_data(tmp_path: Path) -> None:
    x, y = rows(120)
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    (tmp_path / "rows.toml").write_text(
        'data = { use = "arrays", path = "rows.npz", split = { test = 0.25 } }\nmodel = "linear"\n'
        'optimizer = { use = "adamw", lr = 0.05 }\nrun = { until = "3 epochs" }\n',
        encoding="utf-8",
    )
    run(["train", "rows.toml", "--run", "run"], tmp_path)
    opened = pt.load(tmp_path / "run")
    assert opened.explain(x[:2], method="nearest").rows.shape == (2, 5)
    assert opened.explain(method="permutation").values.shape == (COLUMNS,)
    shutil.move(tmp_path / "rows.npz", tmp_path / "elsewhere.npz")
    opened = pt.load(tmp_path / "run")
    for call in (lambda: opened.explain(x[:2], method="nearest"), lambda: opened.explain(method="permutation")):
        with pytest.raises(RunError, match=r"^\[explain\] the training data cannot be opened: .*restore it, use"):
            call()
    # What needs no data of the run's goes on, from the command line too.
    np.save(tmp_path / "x.npy", x[:2])
    said = run(["explain", "run", "x.npy", "--of", "0"], tmp_path).stdout.splitlines()
    assert said[0].startswith("Attribution(2 examples, 32 steps") and said[1] == "run/explain-gradients.svg"
    assert (tmp_path / said[1]).is_file()
    assert "cannot be opened" in run(["explain", "run", "test", "--method", "permutation"], tmp_path, expect=2).stderr
    assert "received no examples" in run(["explain", "run"], tmp_path, expect=2).stderr
    assert opened.explain(x[:2]).values.shape == (2, COLUMNS)
    assert opened.explain(x, y, method="permutation").values.argmax() == 0


def test_columns_of_a_table_are_shuffled_whole(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    pandas = pytest.importorskip("pandas", reason="pandas is an extra")
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {
            "place": draw.choice(["Bern", "Oslo", "Rome"], 600),
            "size": draw.normal(size=600),
            "noise": draw.normal(size=600),
        }
    )
    frame["left"] = np.where((frame["place"] == "Oslo") ^ (frame["size"] > 0.5), "yes", "no")
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.toml").write_text(
        'data = { use = "table", path = "people.csv", target = "left", split = { test = 0.3 } }\n'
        'model = { use = "lightgbm", trees = 40 }\nrun = { until = "1 round" }\n',
        encoding="utf-8",
    )
    trained = pt.fit(tmp_path / "people.toml", folder=tmp_path / "run", verbose=False)
    found = trained.explain(method="permutation")
    assert found.columns == ("place", "size", "noise") and found.values[2] == pytest.approx(0, abs=0.03)
    assert found.values[:2].min() > 0.2
    opened = pt.load(tmp_path / "run")
    again = opened.explain(frame, frame["left"], method="permutation")
    assert again.columns == found.columns and again.values[:2].min() > 0.2
    with pytest.raises(RunError, match=r"^\[explain\] another library computes the outputs of this model"):
        trained.explain(frame[:2])
    assert trained.explain(frame[:2], method="nearest").rows.shape == (2, 5)


def test_pictures(network: pt.TrainedRun, tmp_path: Path) -> None:
    x, y = rows(50, seed=6)
    found = [
        network.explain(x[:1]), network.explain(x), network.explain(x[:3], method="nearest"),
        network.explain(x, np.digitize(y, [-1.5, 1.5]), method="permutation", repeats=2),
    ]  # fmt: skip
    for one in found:
        path = one.save()
        assert path == network.folder / f"explain-{one.method}.svg" and path.read_text().count("<path") > 5
        assert one.save(tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(RunError) as caught:
        found[0].save(tmp_path / "one.bmp")
    assert str(caught.value) == (
        "[explanation.save] received one.bmp; expected a name that ends in .svg, .png, .pdf; rename it"
    )
    with pytest.raises(RunError) as caught:
        network.explain(x).save(tmp_path / "gone" / "one.svg")
    assert str(caught.value) == (
        f"[explanation.save] there is no folder {tmp_path / 'gone'}; expected one; make it, or give another path"
    )


def test_targets_of_no_class_are_refused(network: pt.TrainedRun) -> None:
    with pytest.raises(DataError, match=r"label 99 in row 2; expected labels from 0 to 2; "):
        network.explain(rows(3)[0], np.array([0, 1, 99]), method="permutation")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"method": "gradient"},
            "[explain] received method='gradient'; expected one of permutation, gradients, occlusion, "
            "attention, nearest, map; did you mean gradients?",
        ),
        (
            {"method": "attention"},
            "[explain] the model has no attention; expected pt.nn.TransformerBlock, pt.nn.MultiheadAttention or a "
            'module with attention_weights in it; take method="gradients", "occlusion", "permutation" or "nearest"',
        ),
        (
            {"method": "permutation"},
            "[explain] received examples without their targets; expected both, run.explain(x, y, "
            'method="permutation"), or the name of a part, such as "test"',
        ),
        (
            {"y": np.zeros(3, np.int64)},
            '[explain] received y with method="gradients"; expected it with method="permutation" or "map", which alone '
            "read it; take that method, or leave it out",
        ),
        (
            {"method": "nearest", "of": 1},
            '[explain] received of with method="nearest"; expected it with method="gradients" or "occlusion", which '
            "alone read it; take that method, or leave it out",
        ),
        (
            {"method": "permutation", "seed": -1},
            "[explain] received seed=-1; expected a whole number >= 0; 0 is usual",
        ),
        ({"method": "nearest", "count": 0}, "[explain] received count=0; expected a whole number > 0; 5 is usual"),
        (
            {"baseline": np.zeros((2, COLUMNS), np.float32)},
            "[explain] received a baseline [2, 5] for examples [3, 5]; expected one, or one for each example; give it "
            "in the form of the examples",
        ),
    ],
)
def test_what_cannot_be_explained_says_why(network: pt.TrainedRun, arguments: Any, words: str) -> None:
    with pytest.raises(RunError) as caught:
        network.explain(rows(3)[0], **arguments)
    assert str(caught.value) == words


def test_the_command_prints_every_column(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    train_rows(tmp_path, *rows(200))
    said = run(["explain", "run", "--method", "permutation"], tmp_path).stdout.splitlines()
    named = [line.rpartition("  ")[2] for line in said[1:-1]]
    assert sorted(named) == [f"column {at}" for at in range(COLUMNS)]
