"""`powertrain profile`: what its tables add up to, the trace that it writes, and what it says when it cannot."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.cli.bench.steps import compiled_step
from powertrain.cli.profile import Recorder, Roofline, measure_roofline, table, trace
from running import SMALL, results, run

ROOFLINE = Roofline(threads=2, gflops=100.0, memory_gbytes=10.0, cache_gbytes=50.0)


@pytest.fixture(scope="module")
def recorded() -> Any:
    step, batches = compiled_step("mlp_tiny")
    recorder = Recorder(step, warm_up=2)
    for at in range(8):
        recorder.run(batches[at])
    return recorder.profile("mlp_tiny", ROOFLINE)


def test_every_step_of_a_recorder_trains() -> None:
    step, batches = compiled_step("mlp_tiny")
    other, _ = compiled_step("mlp_tiny")
    recorder = Recorder(step, warm_up=1)
    for at in range(5):
        recorder.run(batches[at])
        other(*batches[at])
    assert step(*batches[5]).item() == other(*batches[5]).item()
    assert (len(recorder.runs), len(recorder.steps)) == (2, 2)


def test_other_shapes_are_another_profile() -> None:
    @pt.compile
    def double(x: pt.Tensor) -> pt.Tensor:
        return x + x if x.shape[0] == 2 else pt.exp(x @ pt.permute_dims(x))

    recorder = Recorder(double, warm_up=0)
    for rows in (2, 2, 2, 3, 3, 3, 3):
        recorder.run([pt.ones((rows, 4))])
    found = recorder.profile("double", ROOFLINE)
    assert len(found.runs) >= 1 and len(found.steps) >= 1
    assert all(len(times) == len(found.program["instructions"]) for times in found.runs)
    assert found.lines()[0].name.startswith("matmul")


def test_a_program_is_not_profiled_on_other_types() -> None:
    double = pt.compile(lambda x: x + x)
    double(pt.ones((2, 4)))
    for wrong, name in ((pt.ones((4, 4)), "f32[4, 4]"), (pt.ones((2, 4), dtype="float64"), "f64[2, 4]")):
        with pytest.raises(pt.Error, match=re.escape(f"received {name} as tensor 0; expected f32[2, 4], as in the")):
            double.profile(wrong)
    with pytest.raises(pt.Error, match="received 0 tensors; expected 1, those of the last call"):
        double.record()


def test_instructions_without_chunks_have_no_places() -> None:
    step, batches = compiled_step("gpt_char")
    step(*batches[0])
    chunks = [one["chunks"] for one in step.programs[0]["instructions"]]
    places = step.places(*batches[0])
    assert 0 in chunks
    assert all(len(of_one) in (0, count) for of_one, count in zip(places, chunks, strict=True))


def test_threads_keep_their_rows_from_one_fused_loop_to_the_next() -> None:
    """A thread begins with chunk t * chunks // threads, which is nearly the same part of all rows for any loop."""
    before = pt.get_threads()
    try:
        for threads, shape in itertools.product((2, 3, 4), ((1000, 257), (40, 9000))):
            pt.set_threads(threads)
            step = pt.compile(lambda x: pt.exp(x) * 2 + 1)
            step(pt.zeros(shape))
            (loop,) = step.programs[0]["instructions"]
            chunks = loop["chunks"]
            assert chunks > threads
            assert all(abs(t * chunks // threads / chunks - t / threads) < 0.02 for t in range(threads)), chunks
    finally:
        pt.set_threads(before)


def test_ops_and_instructions_add_up(recorded: Any) -> None:
    lines, total = recorded.lines(), recorded.total()
    assert sum(line.seconds for line in recorded.ops()) == pytest.approx(total.seconds)
    assert sum(line.count for line in recorded.ops()) == len(lines) == total.count
    # Three layers forward and backward, less the gradient of the data: 1.688 Mflop, published, and the small rest.
    products = next(line for line in recorded.ops() if line.name == "matmul")
    assert products.flops == pytest.approx(1.688e6, rel=0.01)


def notes(function: Any, *shapes: tuple[int, ...]) -> list[tuple[str, str]]:
    """The note of each instruction, from a run on zeros of these shapes with two threads."""
    before = pt.get_threads()
    pt.set_threads(2)
    try:
        compiled = pt.compile(function)
        compiled(*(pt.zeros(shape) for shape in shapes))
        return [(one["name"], one["note"]) for one in compiled.programs[0]["instructions"] if one["note"]]
    finally:
        pt.set_threads(before)


def test_notes_say_how_the_products_of_an_mlp_are_made() -> None:
    layers = pt.grad(lambda x, w, b, v: pt.sum(pt.square(pt.relu(x @ w + b) @ v)), argnums=(1, 2, 3))
    found = [note for name, note in notes(layers, (512, 784), (784, 256), (256,), (256, 10)) if "matmul" in name]
    panels = "right packed in panels by each chunk"
    assert found == [
        f"tiles of f32; rows 512 in 2 x 256, columns 256 in 4 x 64, K 784; left read in place, {panels}; sums in "
        "scratch, then a program of 3 operands",
        f"tiles of f32; rows 512 in 2 x 256, columns 10, K 256; left read in place, {panels}; sums in scratch, then a "
        "program of 2 operands",
        "tiles of f32, computed transposed; rows 10, columns 256 in 2 x 128, K 512; left read in place, right read in "
        "place (a panel would serve 10 rows; 80 pay for it); sums in scratch",
        f"tiles of f32; rows 512 in 2 x 256, columns 256 in 2 x 128, K 10; left read in place, {panels}; sums in "
        "scratch, then a program of 3 operands",
        f"tiles of f32; rows 784 in 4 x 196, columns 256 in 2 x 128, K 512; left packed in strips by each chunk "
        f"(packing it once would cost more), {panels}; sums kept in the result",
    ]


def test_notes_say_how_convolutions_are_made() -> None:
    def net(x: pt.Tensor, w: pt.Tensor, b: pt.Tensor, d: pt.Tensor) -> pt.Tensor:
        return F.conv2d(pt.relu(F.conv2d(x, w, b, padding=1)), d, padding=1, groups=8)

    first, second = notes(net, (8, 16, 16, 3), (3, 3, 3, 8), (8,), (3, 3, 1, 8))
    lines = "left read from lines of pixels with zeros around them"
    assert first == (
        "conv2d_kernel -> add+relu",
        f"tiles of f32; rows 2048 in 4 x 512, columns 8, K 27; {lines}, right read in place (K of at most 32 is too "
        "short for panels); sums in scratch, then a program of 3 operands",
    )
    assert second == (
        "conv2d_kernel",
        "channel by channel, since each is a group of its own; rows 2048 in 8 x 256, columns 8, K 9",
    )
    weight = pt.grad(lambda x, w: pt.sum(pt.square(F.conv2d(x, w, padding=1))), argnums=1)
    [(_, note)] = [one for one in notes(weight, (8, 16, 16, 3), (3, 3, 3, 8)) if one[0] == "conv2d_grad_weight"]
    assert note == (
        f"tiles of f32; rows 27, columns 8, K 2048; {lines}, right read in place (a panel would serve 27 rows; 80 pay "
        "for it); sums kept in the result"
    )


def test_notes_of_groups_of_bf16_and_of_fused_loops() -> None:
    groups, total = notes(lambda a, b: a @ b, (2, 40000), (40000, 8))
    assert "K 40000 in 10 groups" in groups[1] and groups[1].endswith("; sums of each group in the workspace")
    assert total[1] == ("adds the sums of K in groups, ascending, of which there are 10; sums kept in the result")
    shared, added = notes(lambda a, b: a @ b, (1, 1600), (1600, 576))
    assert "columns 576, K 1600 in 7 groups, of which 2 threads have 3 each" in shared[1]
    assert added[1] == ("adds the sums of K in groups, ascending, of which there are 7; sums kept in the result")
    halves = notes(lambda a, b: a.astype("bfloat16") @ b.astype("bfloat16"), (64, 64), (64, 64))
    assert halves[-1][1].startswith('tiles of f32 (dots="exact" widens bf16); rows 64 in 2 x 32, columns 64, K 64; ')
    assert notes(lambda a: F.softmax(a, axis=1), (40, 30)) == [
        (
            "fused max+subtract+exp+sum+divide",
            "rows 40 of 30; chunks of 40 x 30, tiles of up to 40 rows; 3 passes over a row",
        )
    ]


REFUSED = {
    "its result is read 2 times": lambda a, b: (pt.relu(a @ b), pt.sum(a @ b)),
    "the calls behind it follow another product": lambda a, b: pt.relu(a @ b + b @ a),
    "the epilogue reduces a row; only elementwise steps are expected; run it as a program of its own": (
        lambda a, b: F.softmax(a @ b, axis=1)
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_notes_say_why_a_product_has_no_epilogue(why: str) -> None:
    found = [note for name, note in notes(REFUSED[why], (8, 8), (8, 8)) if name == "matmul"]
    assert [note.partition("; no epilogue: ")[2] for note in found] == [why]


def test_a_profile_shows_notes_below_its_tables(recorded: Any) -> None:
    lines = table.text(recorded, 3).splitlines()
    below = lines[lines.index("why their kernels run as they do") + 1 :]
    assert any(line.strip()[0].isdigit() and "tiles of f32" in line for line in below)
    assert all(len(line) <= table.NOTE_WIDTH for line in below)
    noted = [one for one in table.as_json(recorded)["instructions"] if one["name"].startswith("matmul")]
    assert noted and all("rows" in one["note"] for one in noted)
    assert all("note" not in one for one in table.as_json(recorded)["ops"])


def test_what_bounds_a_line(recorded: Any) -> None:
    def named(seconds: float, flops: float, nbytes: float) -> str:
        return table.bound(table.Line("x", seconds, flops, nbytes, 1, 0.0), recorded)

    assert named(1.0, 50e9, 1e9) == "flops"
    assert named(1.0, 5e9, 9e9) == "memory"
    assert named(1.0, 5e9, 0.5e9) == "latency"
    assert named(0.0, 0.0, 0.0) == "latency"


def test_least_seconds_knows_threads() -> None:
    assert ROOFLINE.least_seconds(100e9, 0, 2) == pytest.approx(1.0)
    assert ROOFLINE.least_seconds(100e9, 0, 1) == pytest.approx(2.0)
    assert ROOFLINE.least_seconds(1e9, 20e9, 1) == pytest.approx(2.0)


def test_trace_is_in_perfettos_format(recorded: Any, tmp_path: Path) -> None:
    trace.write(tmp_path / "trace.json", [recorded, recorded])
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    blocks = [event for event in events if event["ph"] == "X" and event["pid"] == 2]
    steps = [event for event in blocks if event["tid"] == trace.STEP_LANE]
    instructions = [event for event in blocks if event["tid"] == trace.INSTRUCTION_LANE]
    assert len(steps) == len(recorded.runs)
    assert len(instructions) == len(steps) * len(recorded.lines())
    for before, after in itertools.pairwise(instructions):
        assert after["ts"] == pytest.approx(before["ts"] + before["dur"], abs=0.01)
    assert {event["args"]["name"] for event in events if event["ph"] == "M"} == {"mlp_tiny", "steps", "instructions"}


def test_measured_roofline_is_of_this_machine() -> None:
    before = pt.get_threads()
    pt.set_threads(1)
    try:
        roofline = measure_roofline(0.03)
    finally:
        pt.set_threads(before)
    assert roofline.threads == 1
    assert 0 < roofline.memory_gbytes < roofline.cache_gbytes * 100
    assert 0.01 < roofline.gflops < 1e6


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), 61.0])
def test_roofline_refuses(seconds: float) -> None:
    with pytest.raises(pt.ShapeError, match=r"\[measure_roofline\] received .* seconds; expected over 0, up to 60"):
        measure_roofline(seconds)


def test_profile_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    done = run(["profile", "small.toml", "--steps", "3", "--top", "2"], tmp_path)
    assert "small step: " in done.stdout and "instruction (the 2 longest of " in done.stdout
    assert "trace  trace.json: open it at https://ui.perfetto.dev" in done.stdout
    found = results(run(["profile", "small.toml", "--steps", "3", "--json", "--trace", "other.json"], tmp_path))
    [step] = found["steps"]
    assert found["trace"] == "other.json" and (tmp_path / "other.json").exists()
    assert step["step_ms"] > 0 and step["roofline"]["threads"] == 1
    assert sum(op["times"] for op in step["ops"]) == len(step["instructions"])
    assert not (tmp_path / "runs").exists()


def test_profile_of_a_run_reads_the_data_and_settings_that_it_was_trained_with(tmp_path: Path) -> None:
    """A path of its data begins where its recipe was, not at its folder."""
    (tmp_path / "elsewhere").mkdir()
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "elsewhere" / "own.npz", x=draw.normal(size=(60, 4)).astype("f"), y=np.arange(60) % 2)
    text = SMALL.replace('use = "digits"', 'use = "arrays", path = "own.npz"')
    (tmp_path / "elsewhere" / "small.toml").write_text(text)
    settings = ["--set", "run.until=3 steps", "--set", "model.hidden=[77]"]
    run(["train", "elsewhere/small.toml", "--run", "trained", *settings], tmp_path)
    [step] = results(run(["profile", "trained", "--steps", "3", "--json"], tmp_path))["steps"]
    assert "77" in str(step["instructions"])


def test_a_run_of_python_objects_is_not_profiled(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 4)).astype("f"), np.arange(40) % 2
    pt.fit(model="mlp", data=(x, y), steps=3, folder=tmp_path / "made", verbose=False)
    done = run(["profile", "made"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[profile] made was made from Python objects (data), which its folder does not hold; expected the run of a "
        "recipe; in Python, step.profile(x, y) times a compiled step"
    )


def test_profile_of_a_run_in_an_environment(tmp_path: Path) -> None:
    pytest.importorskip("powertrain_rl")
    settings = ["--set", "data.env.copies=4", "--set", "strategy.horizon=16", "--set", "strategy.minibatch=32"]
    found = results(run(["profile", "ppo-cartpole", "--steps", "3", "--json", *settings], tmp_path))
    names = [step["name"] for step in found["steps"]]
    assert "ppo-cartpole learn" in names and all(step["step_ms"] > 0 for step in found["steps"]), names


def test_profile_of_a_workload_has_no_settings(tmp_path: Path) -> None:
    done = run(["profile", "mlp_tiny", "--set", "run.batch_size=8"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[profile] --set run.batch_size=8 for the workload mlp_tiny, which has no settings; expected a recipe; leave "
        "--set out"
    )


def test_a_strategy_without_steps_is_said(tmp_path: Path) -> None:
    (tmp_path / "idle.py").write_text(
        "from powertrain.plugin import Strategy\n\n\n"
        "class Idle(Strategy):\n    needs = ()\n\n"
        "    def setup(self, run):\n        run.model()\n\n"
        "    def round(self, run):\n        pass\n\n"
        "    def predict(self, t, batch):\n        return batch.x\n"
    )
    (tmp_path / "idle.toml").write_text(
        SMALL.replace('{ use = "supervised", round_steps = 5 }', '{ use = "./idle.py:Idle" }')
    )
    done = run(["profile", "idle.toml"], tmp_path, expect=2)
    assert "[profile] a round of idle's strategy ran no step; expected calls of run.loop" in done.stderr
