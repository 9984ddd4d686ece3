"""The benchmark tools: that figures are what they say, that a wrong or missing peer cannot win, and the command."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import compare
import run
from peers import smollm2
from powertrain.cli.bench.arrays import WORKLOADS, WorkloadError, find, mlp_gflop
from powertrain.cli.bench.intervals import paired_interval
from powertrain.cli.bench.losses import compare_losses
from race import caches, last, table, tasks
from race.field import QUICK, Failed, Field, installed
from race.figures import Entry, Result, Turn, interval

BENCHMARKS = Path(run.__file__).parent
SHORT = dataclasses.replace(QUICK, rounds=2, seconds=0.02, warm_up=0.01, settle=0.0)


def entry(framework: str, *medians: float, others: float = 0.0, states: str = "") -> Entry:
    """Turns of one sample each, and the state of the caches of each by its first letter."""
    named = {"s": caches.SHARED, "a": caches.APART, "c": caches.CHANGED}
    known = [named[letter] for letter in states] or [""] * len(medians)
    return Entry(framework, turns=[Turn([one], others, state) for one, state in zip(medians, known, strict=True)])


# Workloads.


def test_mlps_of_any_size() -> None:
    made, published = find("mlp:64:784x256x10"), WORKLOADS["mlp_mnist"]
    assert {key: value.shape for key, value in made.weights().items()} == {
        key: value.shape for key, value in published.weights().items()
    }
    assert (made.batch, made.inputs, made.classes) == (published.batch, published.inputs, published.classes)
    assert made.gflop == pytest.approx(published.gflop, rel=1e-3)
    assert mlp_gflop(256, [784, 1024, 1024, 10]) == pytest.approx(WORKLOADS["mlp_big"].gflop, rel=1e-3)


def test_names_of_workloads() -> None:
    with pytest.raises(WorkloadError) as error:
        find("mlp:64:784")
    assert str(error.value) == (
        "[bench] workload mlp:64:784; expected one of mlp_tiny, mlp_mnist, mlp_big, lenet, gpt_char, lstm, gpt2_124m, "
        "resnet18, vit_tiny, or an MLP as mlp:BATCH:WIDTHS; for example mlp_mnist or mlp:64:784x256x10"
    )
    with pytest.raises(WorkloadError, match="expected a batch and widths of at least 1"):
        find("mlp:64:784x0x10")


def test_generation_reads_a_prompt_and_then_one_token_at_a_time() -> None:
    class Decoder:
        def __init__(self) -> None:
            self.read_so_far: list[int] = []

        def begin(self) -> None:
            self.read_so_far.append(0)

        def read(self, tokens: smollm2.Tokens) -> np.ndarray:
            self.read_so_far.append(tokens.shape[1])
            return np.zeros((len(tokens), 7), np.float32)

    decoder = Decoder()
    step = smollm2.timed("token", 2, decoder)
    for _ in range(smollm2.TOKENS + 1):
        assert step().shape == (2, 7)
    once = [0, smollm2.PROMPT]
    assert decoder.read_so_far == [*once, *[1] * smollm2.TOKENS, *once, 1]
    decoder = Decoder()
    smollm2.timed("prompt", 1, decoder)()
    assert decoder.read_so_far == [0, smollm2.LONG_PROMPT]


# Figures.


def test_an_interval_holds_the_ratio_and_narrows_with_rounds() -> None:
    ours = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98]
    theirs = [2.0 * value * (1.01 if at % 2 else 0.99) for at, value in enumerate(ours)]
    low, high = paired_interval(ours, theirs)
    assert 1.9 < low <= 2.0 <= high < 2.1
    assert paired_interval(ours, theirs) == (low, high), "the same samples give the same interval"
    # A machine that slows both of a round by the same says nothing about the ratio.
    slowed = [3.0, 1.0, 9.0, 1.0, 1.0, 5.0, 1.0]
    both = ([a * b for a, b in zip(figures, slowed, strict=True)] for figures in (ours, theirs))
    assert paired_interval(*both) == pytest.approx((low, high))
    assert all(math.isnan(value) for value in paired_interval([1.0], [2.0]))


def test_the_interval_of_a_ratio_of_medians() -> None:
    ours = [Turn([1.0, 1.01, 0.99], 0.0), Turn([1.02, 1.0], 0.0), Turn([0.98], 0.0), Turn([1.0, 1.0], 0.0)]
    steady = [Turn([3.0, 3.02], 0.0), Turn([2.98], 0.0), Turn([3.0], 0.0)]
    low, high = interval(ours, steady)
    assert 2.9 < low <= 3.0 <= high < 3.1
    wild = interval(ours, [*steady, Turn([9.0] * 4, 0.0)])
    assert wild[1] > 4 and wild[0] > 2.9, "a turn that differs is seen"
    assert all(math.isnan(value) for value in interval(ours, steady[:1]))


def test_losses_are_compared_beyond_the_first_step() -> None:
    want = WORKLOADS["lenet"].losses
    assert compare_losses(want, want, growing=False) == (0.0, False)
    # torch.compile had wrong gradients here, and the right first loss.
    assert compare_losses([want[0], 2.4, 2.35, 2.31], want, growing=False)[1]
    assert compare_losses([math.nan, *want[1:]], want, growing=False)[1]
    assert compare_losses([], want, growing=False) == (None, False)
    rough = [loss * 1.01 for loss in want]
    assert compare_losses(rough, want, growing=False)[1] and not compare_losses(rough, want, False, "bf16")[1]
    growing = WORKLOADS["resnet18"].losses
    assert not compare_losses([*growing[:3], 20.0], growing, growing=True)[1], "the fourth step is rounding"


def test_who_does_other_work_is_not_the_best() -> None:
    wrong = entry("torch compile", 0.5)
    wrong.wrong, wrong.loss_error = True, 0.3
    result = Result("train lenet f32", [entry("powertrain", 1.0), wrong, entry("jax", 3.0), entry("torch eager", 2.0)])
    assert result.best is not None and result.best.framework == "torch eager"
    assert result.ratio == 2.0
    text = table.results([result], lambda result: "lenet")
    assert "0.5!" in text and "| torch eager |" in text
    assert list(table.notes([result], lambda result: "lenet")) == [
        "- torch compile: its losses differ by 3.0e-01 from those of the work (lenet)"
    ]


def test_turns_on_a_busy_machine_count_only_where_too_few_were_quiet() -> None:
    some = Entry("jax", turns=[Turn([1.0], 0.0), Turn([1.1], 0.1), Turn([1.2], 0.0), Turn([9.0], 1.0)])
    assert some.median == 1.1 and not some.busy
    few = Entry("jax", turns=[Turn([1.0], 0.0), Turn([9.0], 1.0)])
    assert few.median == 5.0 and few.busy


def test_a_row_without_peers() -> None:
    missing = Entry("mlx", note="not installed")
    result = Result("train lenet f32", [entry("powertrain", 1.0, 1.2), missing])
    assert result.best is None and result.ratio is None
    assert result.as_json()["ratio_low"] is None and json.dumps(result.as_json())
    assert "- mlx: not installed (lenet)" in list(table.notes([result], lambda result: "lenet"))


# The state of the caches.


def test_the_rate_of_written_lines_is_measured_and_nothing_is_left_behind() -> None:
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        assert caches.written_gbytes() is None and caches.now() == ""
        pytest.skip("one core, or threads cannot choose theirs")
    before = os.sched_getaffinity(0)
    rate = caches.written_gbytes()
    assert rate is not None and 0.1 < rate < 1000
    assert os.sched_getaffinity(0) == before
    assert caches.now() in (caches.SHARED, caches.APART)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads cannot choose their core")
def test_one_core_has_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert caches.written_gbytes() is None


def test_states_by_rate() -> None:
    assert [caches.state_of(rate) for rate in (43.0, 8.7, None)] == ["shared", "apart", ""]
    assert caches.state_between("apart", "apart") == "apart" and caches.state_between("apart", "shared") == "changed"


def test_a_race_has_a_row_for_each_state() -> None:
    ours = entry("powertrain", 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 9.0, states="sssaaac")
    jax = entry("jax", 1.5, 1.5, 1.5, 1.8, 1.8, 1.8, states="sssaaa")
    quick = entry("mlx", 0.9, states="c")
    apart, shared = Result("train lenet f32", [ours, jax, quick]).by_state()
    assert (apart.state, apart.ours.median, apart.ratio, apart.verdict) == ("apart", 2.0, 0.9, "slower")
    assert (shared.state, shared.ours.median, shared.ratio, shared.verdict) == ("shared", 1.0, 1.5, "faster")
    label = lambda result: "lenet"  # noqa: E731
    assert table.slower([apart, shared], label) == "Slower than the best peer: lenet (caches apart)."
    assert list(table.notes([apart], label)) == ["- mlx: no turn while the caches were apart (lenet)"]
    text = table.results([apart, shared], label)
    assert text.count("| lenet") == 2 and " slower |" in text and " faster |" in text
    assert [apart.as_json()[key] for key in ("state", "verdict")] == ["apart", "slower"]


def test_a_race_in_one_state_is_one_row() -> None:
    steady = Result("train lenet f32", [entry("powertrain", 1.0, 1.0, states="aa"), entry("jax", 2.0, states="a")])
    assert steady.by_state() == [steady] and steady.state == "apart"
    unknown = Result("train lenet f32", [entry("powertrain", 1.0), entry("jax", 2.0)])
    assert unknown.by_state() == [unknown] and unknown.state == ""
    only = Result("train lenet f32", [entry("powertrain", 1.0, states="c"), entry("jax", 2.0, states="s")])
    assert only.by_state() == [only] and only.state == "changed"
    nobody = Result("train lenet f32", [Entry("powertrain", note="took longer"), entry("jax", 2.0, states="s")])
    assert nobody.by_state() == [nobody] and (nobody.state, nobody.verdict) == ("", "")


def test_a_verdict_wants_the_whole_interval() -> None:
    def verdict(ours: tuple[float, ...], theirs: tuple[float, ...]) -> str:
        return Result("train lenet f32", [entry("powertrain", *ours), entry("jax", *theirs)]).verdict

    assert verdict((1.0, 1.0, 1.0), (1.1, 1.1, 1.1)) == "faster"
    assert verdict((1.0, 1.0, 1.0), (0.9, 0.9, 0.9)) == "slower"
    assert verdict((1.0, 2.0, 0.5), (1.1, 1.1, 1.1)) == "unclear"
    assert verdict((1.0,), (2.0,)) == "unclear", "of one turn there is no interval"
    assert Result("train lenet f32", [entry("powertrain", 1.0)]).verdict == ""


def test_geometric_means_do_not_mix_states() -> None:
    rows = [
        Result("train lenet f32", [entry("powertrain", 1.0, states=at), entry("jax", ratio, states=at)])
        for at, ratio in (("a", 2.0), ("a", 8.0), ("s", 3.0))
    ]
    lines = [line for line in table.results(rows, lambda result: "lenet").splitlines() if "geometric" in line]
    assert len(lines) == 1 and " 4.00 |" in lines[0] and " apart |" in lines[0]


def test_the_heading_tells_the_state() -> None:
    found = {"written_gbytes": [8.71, 43.2], "turns": {"shared": 3, "apart": 12}}
    assert list(table.caches_line(found)) == [
        "caches: a core writes lines that another core has read at 8.71 GB/s (apart), then 43.2 GB/s (shared); turns: "
        "12 apart, 3 shared"
    ]
    assert list(table.caches_line({"written_gbytes": [None, None], "turns": {}})) == []


def test_a_document_keeps_the_last_row_of_each_state(tmp_path: Path) -> None:
    machine = {"processor": "Some", "family_model": "1.2", "cores": 2, "commit": "abc"}
    label = lambda result: result.task.split()[1]  # noqa: E731

    def rows(ours: float, state: str, date: str, workload: str = "lenet") -> list[list[str]]:
        peers = [entry("powertrain", ours, ours, states=state * 2), entry("jax", 2.0, 2.0, states=state * 2)]
        return last.rows_of([Result(f"train {workload} f32", peers)], label, machine, date)

    old = rows(1.0, "s", "2026-01-01") + rows(4.0, "a", "2026-01-01") + rows(1.0, "a", "now", "lstm")
    first = last.updated("", old)
    second = last.updated(f"\n{first}\n", rows(0.5, "s", "2026-02-02"))
    assert [row[:7] for row in last.read(second)] == [
        ["lenet", "apart", "2026-01-01", "abc", "4", "0.50 [0.50, 0.50]", "slower"],
        ["lenet", "shared", "2026-02-02", "abc", "0.5", "4.00 [4.00, 4.00]", "faster"],
        ["lstm", "apart", "now", "abc", "1", "2.00 [2.00, 2.00]", "faster"],
    ]
    assert last.updated(second, []) == second
    assert rows(1.0, "c", "now") == [], "a row of no state is no row"


# Races.


def test_a_race_trains_and_compares() -> None:
    with Field(["powertrain", "powertrain eager"], threads=1) as racers:
        result = racers.race(tasks.training("mlp_tiny"), SHORT)
    assert [len(one.turns) for one in result.entries] == [2, 2]
    for one in result.entries:
        assert one.loss_error is not None and one.loss_error < 1e-4 and not one.wrong
        assert one.version.startswith("powertrain ") and one.peak_mib > 10 and one.first_step_s > 0
    assert result.entries[0].losses == result.entries[1].losses, "eager and compiled give the same bits"
    assert result.ratio is not None and result.ratio > 0


def test_a_race_in_bf16() -> None:
    with Field(["powertrain", "powertrain eager"], threads=1) as racers:
        result = racers.race(tasks.training("mlp_tiny", "bf16"), SHORT)
    assert result.entries[0].losses == result.entries[1].losses, "eager and compiled give the same bits"
    for one in result.entries:
        assert one.loss_error is not None and 1e-6 < one.loss_error < 2e-2 and not one.wrong


def test_one_field_races_on_several_tasks() -> None:
    with Field(["powertrain", "numpy"], threads=1) as racers:
        for form in tasks.FORMS:
            result = racers.race(tasks.gemm((8, 16, 4), form), SHORT)
            assert all(one.turns and one.loss_error is None for one in result.entries), result.entries
        assert not racers.race("adamw_10m", SHORT).entries[1].turns, "NumPy has no optimizer"


@pytest.mark.parametrize("form", tasks.FORMS)
@pytest.mark.parametrize(
    "framework", ["powertrain", "numpy", pytest.param("torch", marks=pytest.mark.peers), "jax", "mlx"]
)
def test_forms_of_a_product_are_the_same_product(framework: str, form: str) -> None:
    import importlib

    if not installed(framework):
        pytest.skip(f"{framework}, or what its peer needs besides, is not installed")
    peer = importlib.import_module(f"peers.{framework}_steps")
    got = np.asarray(tasks.prepare(tasks.gemm((8, 16, 4), form), peer, "")())
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (8, 16)).astype(np.float32), rng.normal(0, 1, (16, 4)).astype(np.float32)
    np.testing.assert_allclose(got, a @ b, rtol=1e-4, atol=1e-4)


def test_what_a_worker_cannot_do_is_told_in_its_words() -> None:
    with Field(["powertrain"], threads=1) as racers:
        worker = racers.workers["powertrain"]
        with pytest.raises(Failed, match=r"WorkloadError: \[bench\] workload nix; expected one of"):
            worker.ask(60, do="make", task=tasks.training("nix"), steps=1, warm_up=0.0, slowest=9.0)
        result = racers.race(tasks.training("mlp_tiny", "fp8"), SHORT)
        assert "[autocast] received 'fp8'; expected one of 'f32', 'bf16', 'f16'" in result.ours.note
        assert racers.race(tasks.training("mlp_tiny"), SHORT).ours.turns, "and it goes on"


def test_who_is_out_of_sight_does_not_take_part() -> None:
    with Field(["powertrain"], threads=1) as racers:
        rules = {"steps": 3, "warm_up": 0.0, "slowest": 1e-9}
        with pytest.raises(Failed, match=r"SlowError: a step takes .* s; at most 1e-09 s were allowed"):
            racers.workers["powertrain"].ask(60, do="make", task=tasks.training("mlp_tiny"), **rules)


def test_a_worker_that_takes_too_long_is_ended() -> None:
    with Field(["powertrain"], threads=1) as racers:
        worker = racers.workers["powertrain"]
        with pytest.raises(Failed, match="took longer than 0 s"):
            worker.ask(0.001, do="roofline", seconds=30.0)
        assert worker.process.poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_workers_end_with_a_race_that_is_killed() -> None:
    code = (
        "import time\nfrom race.field import Field\n"
        "with Field(['powertrain']) as racers:\n"
        "    worker = racers.workers['powertrain']\n"
        "    worker.ask(60, do='finish')\n"
        "    print(worker.process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    paths = os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as race:
        assert race.stdout is not None
        worker = Path("/proc") / race.stdout.readline().decode().strip()
        assert worker.name.isdigit() and worker.exists()
        race.kill()
    end = time.monotonic() + 30
    while worker.exists() and "zombie" not in (worker / "status").read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert not worker.exists() or "zombie" in (worker / "status").read_text()


def test_the_command_writes_tables_json_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; pip install matplotlib")
    options = ["--quick", "--rounds", "2", "--seconds", "0.02", "--workloads", "mlp_tiny", "--peers", "--threads", "1"]
    command = [sys.executable, str(BENCHMARKS / "run.py"), *options, "--sections", "steps", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "## Training steps" in done.stdout and "roofline, measured in this run with 1 threads" in done.stdout
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    step = found["sections"]["steps"][0]  # the only one, unless the state of the caches changed meanwhile
    assert step["task"] == "train mlp_tiny f32" and 0 < step["peak_share"] < 1.5 and step["ratio"] is None
    assert found["machine"]["cores"] >= 1 and found["roofline"]["gflops"] > 0
    assert step["verdict"] == "" and step["entries"][0]["states"]
    first, final = found["caches"]["written_gbytes"]
    if first is not None:
        # A turn in which the caches changed has no state; it is counted nowhere.
        states = [state for one in found["sections"]["steps"] for state in one["entries"][0]["states"] if state]
        assert first > 0 and final > 0 and found["caches"]["turns"] == dict(collections.Counter(states))
        assert "caches: a core writes lines that another core has read at" in done.stdout
        assert done.stderr.startswith("caches: a core writes lines"), "it is told before what takes long"
    assert (tmp_path / "benchmarks.md").read_text().strip() == done.stdout.strip()
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("option", "place"), [("--document", run.PLACE), ("--keep", run.LAST)])
def test_a_document_without_a_place_is_refused_before_anything_runs(
    option: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "doc.md"
    document.write_text("no place")
    assert run.main([option, str(document)]) == 2
    assert capsys.readouterr().err == (
        f"[page] received {document} without the lines <!-- begin: {place} --> and <!-- end: {place} -->; "
        "expected both; add them\n"
    )


@pytest.mark.parametrize(("page", "place"), [("benchmarks/full-run.md", run.PLACE), ("benchmarks.md", run.LAST)])
def test_the_documentation_has_the_places(page: str, place: str) -> None:
    assert run.parts(BENCHMARKS.parent / "docs" / page, place)[1].strip()


def test_the_command_refuses_unknown_workloads(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--workloads", "nix"]) == 2
    assert capsys.readouterr().err.startswith("[bench] workload nix; expected one of mlp_tiny")


# Two commits.


@pytest.mark.parametrize(
    ("factors", "verdict"),
    [
        ((1.10, 1.11, 1.09, 1.10, 1.12), "slower"),
        ((1.01, 0.99, 1.00, 1.02, 0.98), "same"),
        ((0.90, 0.91, 0.89, 0.90, 0.92), "faster"),
        ((0.80, 1.50, 0.90, 1.40, 1.10), "unclear: more rounds, or a quieter machine"),
        ((1.03, 1.03, 1.03, 1.03, 1.03), "same"),
    ],
)
def test_verdicts(factors: tuple[float, ...], verdict: str) -> None:
    base = [1.0, 2.0, 1.5, 1.0, 3.0]
    change = compare.Change("lenet", base, [a * b for a, b in zip(base, factors, strict=True)])
    assert change.verdict() == verdict


def test_rounds_in_which_the_state_changed_do_not_count() -> None:
    change = compare.Change("lenet", [1.0] * 4, [1.0, 2.0, 1.0, 1.0], ["apart", "changed", "apart", "shared"])
    assert change.counted() == ([1.0] * 3, [1.0] * 3)
    assert change.row()[-2:] == ["same", "2 apart, 1 changed, 1 shared"]
    restless = compare.Change("lenet", [1.0] * 3, [2.0] * 3, ["changed", "changed", "apart"])
    assert restless.ratio == 2.0 and restless.counted() == ([1.0] * 3, [2.0] * 3)


def test_what_is_slower_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    same = compare.Change("lstm", [1.0] * 5, [1.0] * 5)
    slow = compare.Change("lenet", [1.0] * 5, [1.2] * 5)
    assert compare.report([same], compare.LIMIT) == 0
    assert compare.report([same, slow], compare.LIMIT) == 1
    assert "slower: lenet takes 1.20 times as long as with the base" in capsys.readouterr().out


def test_an_unknown_commit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["no-such-commit"]) == 2
    assert "[compare] git rev-parse" in capsys.readouterr().err


def test_tables_are_put_into_a_document(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    document.write_text("above\n<!-- begin: here -->\nold\n<!-- end: here -->\nbelow\n")
    run.replace(document, "here", lambda old: old.strip() + " new")
    run.replace(document, "here", lambda old: old.strip() + " newer")
    assert document.read_text() == ("above\n<!-- begin: here -->\n\nold new newer\n\n<!-- end: here -->\nbelow\n")
    with pytest.raises(ValueError) as error:
        run.replace(document, "there", str)
    assert str(error.value) == (
        f"[page] received {document} without the lines <!-- begin: there --> and <!-- end: there -->; "
        "expected both; add them"
    )
