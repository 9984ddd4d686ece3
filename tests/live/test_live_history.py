"""A run's history, read from a ledger that grows, is torn, replaced or damaged."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from powertrain.live import history
from powertrain.live.history import Curve, Follower, History, Point
from powertrain.train.folder.ledger import FILE
from run_folders import metrics, shown, write


def lines_of(found: History) -> dict[str, list[tuple[int, float]]]:
    return {
        f"{chart['title']} {line['name']}": list(zip(line["x"], line["y"], strict=True))
        for chart in found.table()["charts"]
        for line in chart["lines"]
    }


def read(follower: Follower) -> History:
    follower.advance(60)
    assert follower.share == 1
    return follower.history


def test_a_long_curve_stays_short_and_keeps_its_spikes() -> None:
    curve = Curve()
    for step in range(200_000):
        curve.add(Point(step, step, {123_457: 50.0, 77: -9.0}.get(step, step / 200_000)))
        assert len(curve.points) <= history.MOST_POINTS + 3
    points = curve.finite()
    assert (123_457, 50.0) in points and (77, -9.0) in points
    assert points == sorted(points) and points[-1][0] >= 199_998
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(points)]
    assert max(gaps) < 1000  # as dense at the beginning as at the end


def test_values_that_are_no_numbers_do_not_hide_others() -> None:
    curve = Curve()
    for step in range(10_000):
        curve.add(Point(step, step, math.nan if step % 3 == 0 else float(step)))
    assert len(curve.points) < 4000 and max(value for _, value in curve.finite()) == 9998


def test_what_was_done_again_is_shown_once(tmp_path: Path) -> None:
    write(tmp_path, *(metrics(step, {"train.loss": 1.0}) for step in (1, 2, 3)))
    write(tmp_path, {"event": "sample", "step": 3, "round": 3, "text": "lost"})
    follower = Follower(tmp_path)
    assert lines_of(read(follower)) == {"loss train": [(1, 1.0), (2, 1.0), (3, 1.0)]}
    write(tmp_path, {"event": "resume", "step": 1, "round": 1, "problems": []}, metrics(2, {"train.loss": 0.5}))
    found = read(follower)
    assert lines_of(found) == {"loss train": [(1, 1.0), (2, 0.5)]}
    assert found.table()["samples"] == []
    assert [entry["event"] for entry in found.table()["log"]] == ["resume"]


def test_a_line_counts_once_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path, metrics(1, {"train.loss": 1.0}))
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    follower = Follower(tmp_path)
    assert lines_of(read(follower)) == {"loss train": [(1, 1.0)]}
    path.write_bytes(whole + whole)
    assert len(lines_of(read(follower))["loss train"]) == 2
    path.write_bytes(path.read_bytes() + whole[:30])  # of a process that was killed
    write(tmp_path, metrics(3, {"train.loss": 3.0}))
    assert lines_of(read(follower))["loss train"] == [(1, 1.0), (1, 1.0), (3, 3.0)]


def test_a_ledger_that_became_another_one_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, metrics(1, {"train.loss": 1.0}), metrics(2, {"train.loss": 1.0}))
    follower = Follower(tmp_path)
    read(follower)
    (tmp_path / FILE).unlink()
    assert lines_of(read(follower)) == {}
    write(tmp_path, metrics(5, {"valid.loss": 2.0}))
    assert lines_of(read(follower)) == {"loss valid": [(5, 2.0)]}


DAMAGED: dict[str, bytes] = {
    "no JSON": b"{{{\n", "no object": b"[1]\n", "bytes": b"\xff\xfe\x00\n", "nested": b"[" * 5000 + b"\n",
    "a text for a value": b'{"event":"metrics","step":1,"round":1,"values":{"train.loss":"low"}}\n',
    "a negative step": b'{"event":"metrics","step":-1,"round":1,"values":{}}\n', "no end": b"x" * 100,
    "a long line": b"x" * (history.MOST_LINE + 10) + b"\n", "odd scalar":
    b'{"event":"scalar","step":1,"round":1,"name":["a"],"value":{"b":1}}\n',
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_line_hides_no_other(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    write(tmp_path, metrics(7, {"train.loss": 0.5}))
    assert lines_of(read(Follower(tmp_path))) == {"loss train": [(7, 0.5)]}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / FILE).symlink_to(tmp_path / "secret")
    with pytest.raises(pt.Error, match="symbolic link"):
        Follower(tmp_path).advance(1)


def test_a_long_ledger_is_read_piece_by_piece_in_bounded_memory(tmp_path: Path) -> None:
    line = b'{"event": "metrics", "step": %d, "round": %d, "values": {"train.loss": 0.25, "valid.loss": 0.5}}\n'
    (tmp_path / FILE).write_bytes(b"".join(line % (step, step) for step in range(30_000)))
    follower, shares = Follower(tmp_path), [0.0]
    while shares[-1] < 1:
        follower.advance(0.05)
        shares.append(follower.share)
        assert shares[-1] > shares[-2]
    assert {len(curve.points) <= history.MOST_POINTS + 3 for curve in follower.history.curves.values()} == {True}


def test_what_a_ledger_may_fill_memory_with_is_bounded() -> None:
    found = History()
    for step in range(2000):
        common = {"step": step, "round": step, "time": 0.0}
        found.take({"event": "metrics", **common, "values": {f"train.v{step}": 1.0}})
        found.take({"event": "sample", **common, "text": "x" * 100_000})
        found.take({"event": "odd" * 1000, **common, "more": "y" * 100_000})
    table: dict[str, Any] = found.table()
    assert len(found.curves) == history.MOST_CURVES and table["left_out"] > 0
    assert len(table["samples"]) == history.MOST_SAMPLES and len(table["log"]) == history.MOST_ENTRIES
    letters = [len(one["text"]) for one in (*table["samples"], *table["log"])]
    assert max(letters) <= history.MOST_LETTERS and len(table["log"][0]["event"]) <= 40


def test_rates_and_episodes_are_curves(tmp_path: Path) -> None:
    common = {"step": 4, "round": 1}
    write(
        tmp_path,
        {"event": "scalar", **common, "name": "optimizer.lr", "value": 0.1, "by": "plateau"},
        {"event": "episodes", **common, "env_steps": 9, "returns": [1.0, 3.0]},
        {"event": "episodes", **common, "env_steps": 9, "returns": []},
    )
    found = read(Follower(tmp_path))
    assert lines_of(found) == {"episodes env": [(4, 2.0)], "lr optimizer": [(4, 0.1)]}
    assert found.table()["log"][0]["text"] == "name optimizer.lr, value 0.1, by plateau"


def look(step: int, **found: Any) -> dict[str, Any]:
    return {"event": "histograms", "step": step, "round": step, "at": step, "found": found}


WEIGHTS = {"first": 60, "counts": [1, 2, 3], "not_finite": 0}


def test_of_many_looks_at_layers_every_second_one_is_kept(tmp_path: Path) -> None:
    write(tmp_path, *(look(step, **{"weight 0": WEIGHTS}) for step in range(1, 3 * history.MOST_LOOKS)))
    follower = Follower(tmp_path)
    (chart,) = read(follower).table()["layers"]
    (band,) = chart["bands"]
    assert (chart["title"], band["name"]) == ("weights", "0")
    assert history.MOST_LOOKS / 2 <= len(follower.history.looks) <= history.MOST_LOOKS and band["x"][0] < 8
    write(tmp_path, {"event": "resume", "step": 9, "round": 9, "problems": []})
    assert max(read(follower).looks) <= 9


def test_of_layers_beyond_number_some_are_kept(tmp_path: Path) -> None:
    write(tmp_path, look(1, **{f"weight {at}": WEIGHTS for at in range(2 * history.MOST_LAYERS)}))
    follower = Follower(tmp_path)
    assert len(read(follower).looks[1].shares) == history.MOST_LAYERS
    assert len(follower.history.table()["layers"][0]["bands"]) < history.MOST_LAYERS


def test_samples_of_rounds_that_are_done_again_are_shown_once(tmp_path: Path) -> None:
    for round in (1, 2, 3):
        shown(tmp_path, round, ("a",))
    follower = Follower(tmp_path)
    assert list(read(follower).sheets) == [1, 2, 3]
    write(tmp_path, {"event": "resume", "step": 10, "round": 1, "problems": []})
    assert list(read(follower).sheets) == [1]
    shown(tmp_path, 2, ("b", "c"))
    assert [sheet.titles for _, sheet in read(follower).files().values()] == [("a",), ("b", "c")]


def test_of_many_samples_those_are_known_that_the_run_keeps(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    for round in range(1, 130):
        shown(tmp_path, round, ("a",))
        assert list(read(follower).files()) == sorted(path.name for path in (tmp_path / "samples").iterdir())


@pytest.mark.parametrize("wrong", [{"kind": "../../"}, {"count": 10**6}, {"width": 10**9}, {"titles": ["a", "b"]}])
def test_samples_that_no_run_writes_are_left_out(tmp_path: Path, wrong: dict[str, Any]) -> None:
    event = {"event": "shown", "step": 1, "round": 1, "kind": "pictures", "count": 1, "width": 4, "height": 4,
             "titles": []}  # fmt: skip
    write(tmp_path, {**event, **wrong})
    assert read(Follower(tmp_path)).table()["sheets"] == []
