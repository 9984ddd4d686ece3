"""Labels that came later, in files: what a reader finds after kills, in full files, and in those of strangers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.models.folders import FEEDBACK, hash_folder


def test_pairs_come_back_in_their_order(tmp_path: Path) -> None:
    kept = pt.monitor.Feedback(tmp_path, classes=True)
    pairs = [(f"a{at}", f"b{at}") for at in range(1300)]  # more than a line takes
    kept.add(pairs[:1])
    kept.add(pairs[1:])
    assert list(pt.monitor.Feedback(tmp_path, classes=True).pairs()) == pairs
    assert len((tmp_path / FEEDBACK[0]).read_bytes().splitlines()) == 4
    (tmp_path / "none").mkdir()
    assert list(pt.monitor.Feedback(tmp_path / "none", classes=True).pairs()) == []


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    kept = pt.monitor.Feedback(tmp_path, classes=False)
    kept.add([(np.float32([0.1, 2]), [1.5, 1e200])])
    assert list(kept.pairs()) == [([float(np.float32(0.1)), 2.0], [1.5, 1e200])]


def test_a_torn_line_is_passed_over_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    kept, file = pt.monitor.Feedback(tmp_path, classes=True), tmp_path / FEEDBACK[0]
    kept.add([("a", "a")])
    whole = file.read_bytes()
    for cut in range(1, len(whole)):  # a kill may end a line anywhere
        file.write_bytes(whole + whole[:cut])
        kept.add([("b", "c")])
        found = list(kept.pairs())
        assert found[0] == ("a", "a") and found[-1] == ("b", "c") and len(found) in (2, 3)


def test_the_files_are_bounded_and_the_newest_stays(tmp_path: Path) -> None:
    kept = pt.monitor.Feedback(tmp_path, classes=True, most=4000)
    for at in range(400):
        kept.add([(str(at), str(at))] * 5)
    sizes = [(tmp_path / name).stat().st_size for name in FEEDBACK if (tmp_path / name).exists()]
    assert max(sizes) < 4200 and sum(one.is_file() for one in tmp_path.iterdir()) <= 2
    found = [int(said) for said, _ in kept.pairs()]
    assert found[-1] == 399 and found == sorted(found) and 30 < len(set(found)) < 100


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"[]", b'{"time": 1}', b'{"time": 1, "said": "a", "true": "a"}', b'{"time": 1, "said": [1], "true": [1]}',
        b'{"time": 1, "said": [["a"]], "true": [["a"]]}', b"[" * 5000, b"9" * 5000, b"\xff\xfe", b"{}" * (1 << 20),
        b'{"time": 1, "said": [{}], "true": ["a"]}', b'{"time": "now", "said": ["a"], "true": ["a"]}',
    ],
    ids=lambda line: line[:40].decode("latin-1"),
)  # fmt: skip
@pytest.mark.parametrize("classes", [True, False])
def test_lines_of_strangers_are_passed_over(tmp_path: Path, line: bytes, classes: bool) -> None:
    kept = pt.monitor.Feedback(tmp_path, classes=classes)
    pair = ("a", "b") if classes else ([1.0], [2.0])
    kept.add([pair])
    with (tmp_path / FEEDBACK[0]).open("ab") as file:
        file.write(line + b"\n")
    kept.add([pair])
    assert list(kept.pairs()) == [pair, pair]


def test_numbers_of_two_lengths_or_beyond_all_are_no_pair(tmp_path: Path) -> None:
    rows = {"time": 1, "said": [[1.0], [1.0], [1e301], [True], []], "true": [[1.0], [1.0, 2.0], [1.0], [1.0], []]}
    (tmp_path / FEEDBACK[0]).write_text(json.dumps(rows) + "\n")
    assert list(pt.monitor.Feedback(tmp_path, classes=False).pairs()) == [([1.0], [1.0])]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FEEDBACK[0]).symlink_to(tmp_path / "mine.txt")
    with pytest.raises(pt.Error, match="a symbolic link"):
        pt.monitor.Feedback(tmp_path / "run", classes=True).add([("a", "a")])
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_labels_are_no_part_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("x = 1")
    before = hash_folder(tmp_path)
    pt.monitor.Feedback(tmp_path, classes=True).add([("a", "a")])
    assert hash_folder(tmp_path) == before


def test_a_monitor_goes_on_with_what_it_was_told_before() -> None:
    scores = pt.monitor.Scores("accuracy", 0.99, 0.1, 1000)
    x = np.random.default_rng(0).normal(size=(400, 2))
    logits = np.stack([x[:, 0], -x[:, 0]], axis=1)
    profile = pt.monitor.Profile.of(x, logits, labels=["a", "b"], scores=scores)
    told: list[tuple[str, str]] = []
    first = pt.monitor.Monitor(profile, window=200, on_labels=told.extend)
    first.observe(x, logits, ids=range(400))
    truth = ["a" if row % 3 else "b" for row in range(400)]
    first.label(range(400), truth)
    assert len(told) == 400 and {said for said, _ in told} == {"a", "b"}
    second = pt.monitor.Monitor(profile, window=200)
    events = second.recall(told)
    assert [event.rule for event in events] == ["performance"]

    def of(monitor: pt.monitor.Monitor) -> float:
        return next(row.now for row in monitor.rows if row.kind == "performance")

    assert (second.labelled, first.labelled) == (0, 400) and of(second) == of(first)
