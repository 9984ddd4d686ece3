"""Ranking: the loss and NDCG beside their formulas and scikit-learn's, lists that fit no score, films, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train
from powertrain_tabular.ranking import NDCG, ItemScorer, Ranking, lambdarank, ndcg_of
from powertrain_tabular.ratings import FilmLists, UserSplit, lists_of, ratings_of

LISTS = '''\
import numpy as np

from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data


class Lists(Data):
    """Items that are better the nearer two columns are to each other."""

    @classmethod
    def build(cls, params, base):
        draw = np.random.default_rng(3)
        x = draw.normal(size=(300, 8, 2)).astype(np.float32)
        off = np.abs(x[..., 0] - x[..., 1])
        y = np.clip(4 - np.floor(2 * off), 0, 4).astype(np.float32)
        y[:, 6:] = np.where(draw.random((300, 2)) < 0.5, -1, y[:, 6:])
        x[y < 0] = 0
        return DataModule("lists", "ranking", {"train": ArrayDataset(x=x, y=y)}, outputs=8, columns=("a", "b"))
'''
RECIPE = """\
data      = { use = "./lists.py:Lists", split = { valid = 0.2, test = 0.3 } }
model     = { use = "item-scorer", hidden = [16, 16] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "30 epochs", batch_size = 16, save_seconds = 0 }
"""


def go(folder: Path) -> Any:
    (folder / "lists.py").write_text(LISTS)
    (folder / "lists.toml").write_text(RECIPE)
    return train(load_recipe(str(folder / "lists.toml")), folder / "run", display=Display(quiet=True)).results


def slow(scores: np.ndarray, grades: np.ndarray, depth: int) -> float:
    """LambdaRank of one list, pair by pair."""
    kept = grades >= 0
    scores, gains = scores[kept].astype(np.float64), 2.0 ** grades[kept] - 1
    place = np.empty(len(scores), np.int64)
    place[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    discount = np.where(place <= depth, 1 / np.log2(1 + place), 0.0)
    ideal = np.sum(-np.sort(-gains)[:depth] / np.log2(np.arange(min(depth, len(gains))) + 2))
    total = 0.0
    for i in range(len(scores)):
        for j in range(len(scores)):
            if gains[i] > gains[j]:
                change = (gains[i] - gains[j]) * abs(discount[i] - discount[j]) / ideal
                total += change * np.log1p(np.exp(scores[j] - scores[i]))
    return total


@pytest.mark.parametrize("depth", [2, 10])
def test_the_loss_is_the_sum_over_pairs(depth: int) -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(5, 7)).astype(np.float32)
    grades = draw.integers(-1, 5, (5, 7)).astype(np.float32)
    scores[1] = 0.5  # all alike: the order of the list counts
    found = np.asarray(lambdarank(pt.tensor(scores), pt.tensor(grades), depth=depth))
    np.testing.assert_allclose(found, [slow(*each, depth) for each in zip(scores, grades, strict=True)], rtol=1e-5)
    moved = np.where(grades < 0, 99, scores)  # what an item that is not there scores is nothing
    same = np.asarray(lambdarank(pt.tensor(moved.astype(np.float32)), pt.tensor(grades), depth=depth))
    np.testing.assert_allclose(found, same, rtol=1e-5)
    alike = np.asarray(lambdarank(pt.tensor(scores), pt.tensor(np.zeros((5, 7), np.float32))))
    assert (alike == 0).all()


def test_ndcg_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    draw = np.random.default_rng(1)
    scores, grades = draw.normal(size=(30, 12)), draw.integers(0, 5, (30, 12)).astype(np.float64)
    wanted = [metrics.ndcg_score((2 ** grades[at : at + 1] - 1), scores[at : at + 1], k=4) for at in range(30)]
    np.testing.assert_allclose(ndcg_of(scores, grades, 4), wanted)
    metric = NDCG(depth=4)
    metric.update(scores[:10], grades[:10], np.ones(10))
    metric.update(scores[10:], grades[10:], np.ones(20))
    assert metric.compute() == pytest.approx(np.mean(wanted))
    assert np.isnan(ndcg_of(scores[:1], np.zeros((1, 12)), 4)).all()
    padded = np.concatenate([grades, np.full((30, 3), -1.0)], axis=1)
    more = np.concatenate([scores, np.full((30, 3), 99.0)], axis=1)
    np.testing.assert_allclose(ndcg_of(more, padded, 4), wanted)


def test_it_learns_an_order_that_no_column_has(tmp_path: Path) -> None:
    found = go(tmp_path)
    baselines = {one["name"]: one["value"] for one in found["baselines"]}
    assert found["test"]["ndcg"] > 0.95 > max(baselines.values()) and set(baselines) == {"as they stand", "one column"}
    (said,) = open_run(tmp_path / "run").predict(np.array([[[0, 3], [1, 1]] + [[0, 2]] * 6], np.float32))
    assert said["order"][0] == 1 and said["order"][-1] == 0 and said["scores"] == sorted(said["scores"])[::-1]
    assert "NDCG at" in (tmp_path / "run" / "report.html").read_text()


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "lists.py").write_text(LISTS)
    killed_and_resumed(RECIPE.replace("30 epochs", "12 epochs"), tmp_path)


def table(users: int = 12, films: int = 30) -> dict[str, list[Any]]:
    draw = np.random.default_rng(2)
    rows = [(user, film) for user in range(users) for film in draw.permutation(films)[:20]]
    return {
        "userId": [user + 5 for user, _ in rows],
        "movieId": [10 * film for _, film in rows],
        "year": [None if film == 3 else 1990 + film for _, film in rows],
        "genres": ["(no genres listed)" if film == 0 else "Comedy|Drama" if film % 2 else "War" for _, film in rows],
        "rating": [float(draw.integers(1, 11)) / 2 for _ in rows],
        "timestamp": [int(draw.integers(0, 1000)) for _ in rows],
    }  # fmt: skip


def test_a_list_knows_nothing_of_its_own_grades() -> None:
    """Other ratings in the second half of a user change y alone, whether the user is held out or trained on."""
    columns = table()
    ratings = ratings_of(columns)
    assert ratings.names == ("Comedy", "Drama", "War") and ratings.years.min() >= 1990
    split = UserSplit(valid=0.25, test=0.25)
    first = lists_of(ratings, 8, split)
    assert {part: len(source) for part, source in first.items()} == {"train": 6, "valid": 3, "test": 3}
    every = {part: source.fetch(np.arange(len(source))) for part, source in first.items()}
    assert every["test"]["x"].shape == (3, 8, 11) and set(np.unique(every["test"]["y"])) <= {0, 1, 2, 3, 4}
    from dataclasses import replace

    held = int(np.sort(pt.data.permutation(12, 0, 0)[:3])[0])
    begin = int(np.searchsorted(ratings.users, held))
    stars = ratings.stars.copy()
    stars[begin + 10 : begin + 18] = 5.5 - stars[begin + 10 : begin + 18]
    other = lists_of(replace(ratings, stars=stars), 8, split)["test"].fetch(np.arange(3))
    np.testing.assert_allclose(other["x"], every["test"]["x"], atol=1e-5)
    assert (other["y"][0] != every["test"]["y"][0]).any()


def test_lists_of_another_form_are_refused(tmp_path: Path) -> None:
    rows = ArrayDataset(x=np.zeros((4, 3), np.float32), y=np.zeros(4, np.float32))
    with pytest.raises(DataError, match=r"\[ranking\] x \[3\] and y float32\[\] of a list; expected x \[items, col"):
        Ranking().check(DataModule("rows", "ranking", {"train": rows}, 1))
    with pytest.raises(ModelError, match=r"\[item-scorer\] examples of shape \[3\]; expected lists"):
        ItemScorer.build(ItemScorer.Params(), Inputs("ranking", (3,), 1))
    with pytest.raises(pt.ShapeError, match=r"\[lambdarank\] output is \[2, 3\], target is \[2\]; expected a score"):
        lambdarank(pt.zeros((2, 3)), pt.zeros((2,)))
    with pytest.raises(DataError, match=r"\[film-lists\].*powertrain_tabular.fetch"):
        FilmLists.build(FilmLists.Params(path=tmp_path), Path())
    with pytest.raises(DataError, match=r"no column timestamp; expected movieId"):
        ratings_of({name: column for name, column in table().items() if name != "timestamp"})
