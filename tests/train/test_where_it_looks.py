"""Reports of models with attention show where these look."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import powertrain as pt
from powertrain.train.explain.attention import Looked
from powertrain.train.report.attention import NAMED, SILENT, TITLE, draw_heads, draw_parts, pages, parts_seen

HEAD = f"<h2>{TITLE}</h2>"


def section(run: pt.TrainedRun) -> str:
    """The section of a run's report, empty where there is none."""
    found = re.search(rf"{HEAD}(.*?)(?=<h2>)", run.report().read_text(), re.S)
    return found[1] if found else ""


def words_of(figure: Figure) -> list[str]:
    return [tick.get_text() for axes in figure.axes for tick in axes.get_yticklabels()]


def trained_on(shape: tuple[int, ...], *layers: Any) -> pt.TrainedRun:
    x = np.random.default_rng(0).normal(size=(60, *shape)).astype(np.float32)
    y = (x.reshape(60, -1)[:, 0] > 0).astype(np.int64)
    return pt.fit(model=pt.nn.Sequential(*layers), data=(x, y), validation=0.2, epochs=1, verbose=False)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> pt.TrainedRun:
    folder = tmp_path_factory.mktemp("looks")
    (folder / "book.txt").write_text("the cat sat on the mat and the dog sat on the log. " * 60, encoding="utf-8")
    recipe = {
        "data": {"use": "text", "path": str(folder / "book.txt"), "context": 40, "valid": 0.2},
        "model": {"use": "gpt", "layers": 2, "heads": 2, "width": 16}, "strategy": "next_token",
        "optimizer": "adamw", "run": {"until": "3 steps", "batch_size": 4}, "report": {"baseline": False},
    }  # fmt: skip
    return pt.fit(recipe, folder=folder / "run", verbose=False)


def test_a_report_shows_where_a_language_model_looks(writer: pt.TrainedRun) -> None:
    found = section(writer)
    assert "the last layer, blocks.1, on an example of valid" in found and 'src="data:image/png;base64,' in found
    assert f"The first {NAMED} tokens are shown." in found
    assert len(found) < 150_000


def test_a_report_shows_where_other_models_look() -> None:
    found = section(trained_on((6, 8), pt.nn.TransformerBlock(8, 2), pt.nn.Flatten(), pt.nn.Linear(48, 2)))
    assert "How much each place looks at the others: the last layer, 0, on an example of valid." in found
    assert "<img" in found


def test_a_model_without_attention_has_no_such_section() -> None:
    assert not section(trained_on((6, 8), pt.nn.Flatten(), pt.nn.Linear(48, 2)))


def test_attention_within_a_loop_costs_no_report() -> None:
    class Looped(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = pt.nn.MultiheadAttention(8, 1)

        def forward(self, x: Any) -> Any:
            return pt.scan(lambda state, _: (self.attention(state, state, state)[0], None), x, length=2)[0]

    assert not section(trained_on((6, 8), Looped(), pt.nn.Flatten(), pt.nn.Linear(48, 2)))


class Offered(pt.nn.Module):
    """A layer of somebody's own, that says where it looks, or fails to."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    def attention_weights(self, x: Any) -> Any:
        if self.fails:
            raise ValueError("no idea")
        return pt.softmax(pt.reshape(x, (x.shape[0], 1, *x.shape[1:])), axis=-1)

    def forward(self, x: Any) -> Any:
        return x


def test_layers_of_others_say_where_they_look_and_may_fail() -> None:
    run = trained_on((6, 6), Offered(False), pt.nn.Flatten(), pt.nn.Linear(36, 2))
    x = np.random.default_rng(1).normal(size=(3, 6, 6)).astype(np.float32)
    shares = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(run.explain(x, method="attention").values[0][:, 0], shares, rtol=1e-5)
    failed = section(trained_on((6, 6), Offered(True), pt.nn.Flatten(), pt.nn.Linear(36, 2)))
    assert "Left out: it" in failed and "no idea" in failed


def test_parts_are_seen_by_the_class_token_or_by_all() -> None:
    draw = np.random.default_rng(0)
    shares = draw.random((2, 3, 7, 7)).astype(np.float32)
    by_first = parts_seen(Looked(shares), (4, 6))
    assert by_first is not None
    np.testing.assert_allclose(by_first, shares.mean(axis=1)[:, 0, 1:].reshape(2, 2, 3))
    by_all = parts_seen(Looked(shares[:, :, 1:, 1:]), (4, 6))
    assert by_all is not None
    np.testing.assert_allclose(by_all, shares[:, :, 1:, 1:].mean(axis=1).mean(axis=1).reshape(2, 2, 3))
    assert parts_seen(Looked(shares), (5, 7)) is None


def test_names_and_pictures_stand_within_the_drawing() -> None:
    figure, names = Figure(), ["a$b", SILENT, "longer##ones"]
    draw_heads(figure, np.full((2, 3, 3), 1 / 3, np.float32), names, names)
    figure.savefig(io.BytesIO(), format="png")
    assert words_of(figure)[:3] == [r"a\$b", SILENT, "longer##ones"]
    figure = Figure()
    draw_parts(figure, np.zeros((2, 4, 4, 1)), np.full((2, 2, 2), 0.1, np.float32), ["one", "two"])
    figure.savefig(io.BytesIO(), format="png")
    shown = [image for axes in figure.axes[1::2] for image in axes.get_images()]
    np.testing.assert_allclose(np.asarray(shown[0].get_array()), 1.0)  # seen evenly: the middle of the colours
    assert shown[0].get_clim() == (0, 2)


def test_a_look_changes_nothing_of_the_run(writer: pt.TrainedRun) -> None:
    """Weights, modes and the place in the random numbers are as they were: training that goes on gets the same bits."""
    run = writer.run

    def state() -> list[Any]:
        modules = [part for module in run.table.modules.values() for part in module.modules()]
        slots = [slot.numpy() for module in run.table.modules.values() for slot in module.parameters()]
        generators = [pt.random.default_generator().slot.value.numpy()]
        return [[part.training for part in modules], [len(part._hooks) for part in modules], *slots, *generators]

    before = state()
    assert pages(run)
    for now, then in zip(state(), before, strict=True):
        np.testing.assert_array_equal(now, then)
