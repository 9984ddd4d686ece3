"""The profile that a run keeps, and `powertrain monitor` with files and streams of traffic."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.monitor import MonitorError, Profile
from powertrain.train.folder.run_folder import RunError
from running import SMALL, command, environment, inside, run

SETTINGS = ("--set", "run.until=4 epochs", "--set", "data.split.valid=0.2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and traffic for it: digits as they are, with other ones after them, and labels."""
    folder = tmp_path_factory.mktemp("monitored")
    (folder / "small.toml").write_text(SMALL)
    inside(["train", "small.toml", "--run", "a", *SETTINGS], folder)
    from powertrain.builtin.data import Digits

    source = Digits.build(Digits.Params(), None).train  # type: ignore[call-arg, arg-type]
    fields = source.fetch(np.arange(len(source)))
    np.savez(folder / "same.npz", x=fields["x"][:800], y=fields["y"][:800])
    np.savez(folder / "other.npz", x=16 - fields["x"][:800], y=fields["y"][:800])
    return folder


def test_a_run_keeps_its_profile(trained: Path) -> None:
    profile = pt.load(trained / "a").profile
    raw = (trained / "a" / "profile.json").read_bytes()
    assert Profile.from_json(raw) == profile and len(raw) < 60_000
    assert [one.name for one in profile.inputs][:3] == ["x0", "x1", "x2"] and len(profile.inputs) == 64 + 4
    # The test part is left out; 20 % are for validation, and 20 % for the test.
    assert profile.inputs[0].reference.examples == round(1797 * 0.8)
    assert profile.labels == tuple("0123456789")
    assert profile.scores is not None and profile.scores.examples == 359 and 0.7 < profile.scores.mean <= 1
    assert profile.representation is not None and len(profile.representation.mean) == 10


def test_the_profile_never_opens_the_data_later(trained: Path, tmp_path: Path) -> None:
    """A run whose data are gone is monitored all the same."""
    x = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    np.savez(tmp_path / "own.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    (tmp_path / "own.toml").write_text(
        'data = { use = "arrays", path = "own.npz", split = { test = 0.2 } }\nmodel = "linear"\n'
        'optimizer = "adamw"\nrun = { until = "2 epochs", batch_size = 32 }\n'
    )
    inside(["train", "own.toml", "--run", "a"], tmp_path)
    (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
    assert "no alarm is on" in inside(["monitor", "a", "moved.npz"], tmp_path).stdout


def test_a_run_without_a_profile_says_so(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    inside(
        ["train", "small.toml", "--run", "a", "--set", "run.until=1 epoch", "--set", "report.profile=false"], tmp_path
    )
    with pytest.raises(RunError, match=r"it has no profile\.json; expected a run that was trained to its end"):
        _ = pt.load(tmp_path / "a").profile
    (tmp_path / "a" / "profile.json").write_text("{}")
    with pytest.raises(MonitorError, match="expected a profile that powertrain train wrote"):
        _ = pt.load(tmp_path / "a").profile


def test_quiet_and_loud_traffic(trained: Path) -> None:
    quiet = inside(["monitor", "a", "same.npz", "--window", "400"], trained)
    assert "no alarm is on" in quiet.stdout and "drift" not in quiet.stdout.replace("no alarm", "")
    # In a process of its own, whose page has pictures.
    loud = run(
        ["monitor", "a", "other.npz", "--window", "400", "--metrics", "m.prom", "--out", "p.html"], trained, expect=1
    )
    assert re.search(r"^  x\d+ +\S+ .* drift", loud.stdout, re.MULTILINE)
    assert "alarm drift:" in loud.stdout and "alarm performance:" in loud.stdout
    assert re.search(r"accuracy .* -> .* worse", loud.stdout)
    assert 'powertrain_monitor_alarm{run="a",rule="drift"} 1' in (trained / "m.prom").read_text()
    page = (trained / "p.html").read_text()
    assert page.startswith("<!doctype html>") and "http://" not in page and "https://" not in page
    assert "<script" not in page and page.count("<img") >= 3 and "alarm drift" in page


def test_the_profile_alone_is_printed(trained: Path) -> None:
    said = inside(["monitor", "a"], trained).stdout
    assert "input  x10" in said and "output class" in said and "held-out examples" in said
    assert Profile.from_json(inside(["monitor", "a", "--json"], trained).stdout.encode()).labels == tuple("0123456789")


def json_lines(trained: Path, name: str, count: int = 400, *, labels: bool = True) -> str:
    with np.load(trained / name) as arrays:
        x, y = arrays["x"][:count].tolist(), arrays["y"][:count].tolist()
    records = ({"id": f"e{at}", "x": x[at], **({"y": y[at]} if labels else {})} for at in range(count))
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_stream_of_json_lines(trained: Path) -> None:
    done = subprocess.run(
        command(["monitor", "a", "-", "--window", "200", "--json", "--out", "stream.html"]), cwd=trained,
        env=environment(), input=json_lines(trained, "same.npz"), capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examples"] == found["labelled"] == 400 and found["window"] == 200 and found["events"] == []


def test_labels_of_another_file(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "traffic.jsonl").write_text(json_lines(trained, "same.npz", labels=False))
    with np.load(trained / "same.npz") as arrays:
        y = arrays["y"]
    (tmp_path / "labels.csv").write_text("id,truth\n" + "".join(f"e{at},{y[at]}\n" for at in range(390)))
    words = ["monitor", str(trained / "a"), "traffic.jsonl", "--labels", "labels.csv", "--label", "truth", "--json",
             "--out", "page.html"]  # fmt: skip
    found = json.loads(inside(words, tmp_path).stdout)
    assert found["labelled"] == 390 and found["waiting"] == 10
    assert found["features"]["accuracy"]["now"] > 0.8


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.txt", "1", "[traffic a.txt] a file .txt; expected .csv, .tsv, .jsonl, .ndjson, .npy, .npz, or - for JSON "
         "lines; save it as one of these"),
        ("a.jsonl", "{}\n[1]\n", '[traffic a.jsonl, line 2] no JSON object; expected one, such as {"id": 7, "x": [1.0, '
         "2.0]}; write one a line"),
        ("a.jsonl", '{"x": [1, 2]}\n', "[predict] float64[1, 2]; expected numbers of shape [examples, 8, 8]; give them "
         "as the data set has them: after transforms of your own, such as those of an ImageFolder, and before features "
         "of the recipe"),
        ("a.jsonl", '{"x": ["a"]}\n', "[traffic] values that are not numbers, or rows of different lengths; expected "
         "the numbers of each example; give them as predict takes them"),
        ("a.jsonl", '{"a": 1, "b": 2}\n{"a": 1, "c": 2}\n', "[traffic] records with a, b and with a, c; expected the "
         "same names in each; give them as predict takes them, or as x"),
        ("a.csv", "a,b\n1\n", "[traffic a.csv, line 2] 1 values; expected 2, as in the first line, which names the "
         "columns; correct the line"),
        ("a.jsonl", "", "[monitor a.jsonl] it has no examples; expected some; check the file"),
    ],
)  # fmt: skip
def test_wrong_traffic_is_said(trained: Path, tmp_path: Path, name: str, content: str, text: str) -> None:
    (tmp_path / name).write_text(content)
    done = inside(["monitor", str(trained / "a"), name], tmp_path, expect=2)
    assert done.stderr.strip() == text


def test_the_order_of_keys_says_nothing() -> None:
    from powertrain.train.monitoring.traffic import _numbers

    records = [{"id": 1, "a": 1.0, "b": 2.0}, {"b": 4.0, "a": 3.0, "id": 2}]
    assert _numbers(records, ("id", "y")).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_labels_of_a_compressed_file(trained: Path, tmp_path: Path) -> None:
    from powertrain.train.monitoring.traffic import labels_of

    (tmp_path / "labels.jsonl.gz").write_bytes(gzip.compress(b'{"id": "a", "y": 3}\n'))
    opened = pt.load(trained / "a").run
    assert list(labels_of(opened, str(tmp_path / "labels.jsonl.gz"), 10)) == [(["a"], [3])]


def test_fewer_labels_than_examples_are_refused(trained: Path, tmp_path: Path) -> None:
    with np.load(trained / "same.npz") as arrays:
        np.savez(tmp_path / "a.npz", x=arrays["x"], y=arrays["y"][:100])
    done = inside(["monitor", str(trained / "a"), "a.npz"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[traffic a.npz] 800 examples and 100 labels; expected one label each; save x and y together"
    )


def test_a_stream_is_read_a_few_rows_at_a_time(trained: Path) -> None:
    """Whoever writes the stream is answered while it goes on: no more is read than a part of the window."""
    from powertrain.train.monitoring.traffic import MOST_LINE, _json_lines, traffic

    class Endless(io.RawIOBase):
        read_lines = 0

        def readline(self, size: int | None = -1) -> bytes:  # type: ignore[override]
            assert size == MOST_LINE
            self.read_lines += 1
            return b'{"x": 1}\n'

    stream = Endless()
    first = next(iter(_json_lines(stream, "a")))  # type: ignore[arg-type]
    assert first == {"x": 1} and stream.read_lines == 1
    trained_run = pt.load(trained / "a")
    parts = [len(some.x) for some in traffic(trained_run.run, str(trained / "same.npz"), 300)]
    assert parts == [300, 300, 200]


def test_other_schemes_and_rules_are_refused_before_anything_is_read(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "a"\nwatch = "psi"\n')
    for more in (["--webhook", "file:///etc/passwd"], ["--rules", "rules.toml"]):
        done = inside(["monitor", str(trained / "a"), "none.npz", *more], tmp_path, expect=2)
        assert done.stderr.startswith(("[Webhook]", "[rule a]"))
