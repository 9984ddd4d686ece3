"""pt.save and pt.restore: a loop goes on in another process with the same bits, and nothing is half restored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as serialized

import powertrain as pt
from oracles import same_bits
from powertrain import nn, optim
from powertrain.saved import NoFileError, SaveError

LOOP = """
import sys, numpy as np, powertrain as pt
pt.random.seed(3)
rng = np.random.default_rng(0)
data = pt.data.TensorDataset(rng.normal(size=(50, 4)).astype("float32"), rng.integers(0, 3, 50))
loader = pt.data.DataLoader(data, batch_size=8, shuffle=True, endless=True, seed=5)
model = pt.nn.Sequential(pt.nn.Linear(4, 16), pt.nn.ReLU(), pt.nn.Dropout(0.5), pt.nn.Linear(16, 3))
schedule = pt.optim.schedules.CosineAnnealingLR(T_max=20)
opt = pt.optim.Adam(model.parameters(), lr=0.01, schedule=schedule, clip=1.0)
average = pt.optim.EMA(model, decay=0.9)
gradients = pt.nn.value_and_grad(model, lambda x, y: pt.nn.CrossEntropyLoss()(model(x), y))

@pt.compile
def step(x, y):
    loss, grads = gradients(x, y)
    opt.update(grads)
    average.update()
    return loss

path, begin, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
parts = dict(model=model, optimizer=opt, average=average, loader=loader)
if begin:
    extras = pt.restore(path, **parts)
    assert extras["steps"] == begin and extras["history"][-1] == begin - 1, extras
count = begin
for batch in loader:
    if count == end:
        break
    x, y = batch
    step(x, y)
    count += 1
    pt.save(path, **parts, steps=count, history=list(range(count)))
"""


def run(path: Path, begin: int, end: int) -> None:
    subprocess.run([sys.executable, "-c", LOOP, str(path), str(begin), str(end)], check=True, timeout=120)


def test_a_loop_goes_on_in_another_process_with_the_same_bits(tmp_path: Path) -> None:
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    run(whole, 0, 9)
    run(parted, 0, 4)
    assert whole.read_bytes() != parted.read_bytes()
    run(parted, 4, 9)
    assert whole.read_bytes() == parted.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["parted.safetensors", "whole.safetensors"]


def net() -> tuple[Any, Any]:
    model = nn.Linear(3, 2)
    return model, optim.Adam(model, lr=0.1)


def test_values_slots_and_generators(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    slot, generator = pt.Slot(pt.tensor([1.5, 2.5]), name="s"), pt.random.Generator(7)
    generator.uniform(size=(3,))
    values = {"name": "a", "none": None, "rate": 0.1, "nested": {"list": [1, [2.5, True]], "array": np.arange(3)}}
    pt.save(path, slot=slot, generator=generator, number=np.float64(2.0), **values)
    want = generator.uniform(size=(4,)).numpy().tolist()
    slot.value = pt.zeros(2)
    found = pt.restore(path, slot=slot, generator=generator)
    assert slot.numpy().tolist() == [1.5, 2.5] and generator.uniform(size=(4,)).numpy().tolist() == want
    assert found["nested"]["array"].tolist() == [0, 1, 2] and found["nested"]["list"] == [1, [2.5, True]]
    assert (found["name"], found["none"], found["rate"], found["number"]) == ("a", None, 0.1, 2.0)


def test_infinities_and_nan_come_back(tmp_path: Path) -> None:
    """The best loss so far is infinite before the first."""
    path = tmp_path / "all.safetensors"
    pt.save(path, best=float("inf"), progress={"log": [-float("inf"), float("nan"), 1.0]})
    found = pt.restore(path)
    low, none, one = found["progress"]["log"]
    assert (found["best"], low, one) == (float("inf"), -float("inf"), 1.0) and none != none


def test_bfloat16_comes_back_with_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    numbers = [1.5, -0.0, 3e38, 1e-40, float("inf"), float("nan")]
    slot = pt.Slot(pt.tensor(numbers, dtype="bfloat16"), name="s")
    model = nn.Linear(3, 2, dtype="bfloat16")
    opt = optim.Adam(model, lr=0.1)
    want, held = np.asarray(pt.astype(slot.value, "float32").numpy()), model.state_dict()
    pt.save(path, slot=slot, model=model, opt=opt, scale=pt.tensor(0.1, dtype="bfloat16"))
    slot.value = pt.zeros(6, "bfloat16")
    other = nn.Linear(3, 2, dtype="bfloat16")
    found = pt.restore(path, slot=slot, model=other, opt=optim.Adam(other, lr=0.2))
    assert slot.dtype == other.weight.dtype == found["scale"].dtype == pt.bfloat16
    assert same_bits(np.asarray(pt.astype(slot.value, "float32").numpy()), want)
    assert all(same_bits(value, held[name]) for name, value in other.state_dict().items())
    assert found["scale"].item() == pt.tensor(0.1, dtype="bfloat16").item()
    wide = pt.Slot(pt.zeros(6))
    with pytest.raises(SaveError) as caught:
        pt.restore(path, strict=False, slot=wide)
    assert str(caught.value) == (
        "[restore] slot is bfloat16[6] in the file, float32[6] here; expected one shape and dtype; make the slot as it "
        "was when it was saved"
    )


def test_parts_may_be_left_out_on_purpose(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    model, opt = net()
    pt.save(path, model=model, optimizer=opt)
    want = model.state_dict()
    other, _ = net()
    pt.random.seed(99)
    before = np.array(pt.random.default_generator().slot.numpy())
    pt.restore(path, strict=False, model=other)
    assert all(same_bits(value, want[name]) for name, value in other.state_dict().items())
    assert same_bits(np.array(pt.random.default_generator().slot.numpy()), before)


def broken(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


def flipped(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


FILES: dict[str, tuple[Callable[[Path], None], type[Exception], str]] = {
    "missing": (lambda path: path.unlink(), NoFileError,
                "[restore] PATH: No such file or directory; expected a file that pt.save wrote; check the path"),
    "empty": (broken(lambda raw: b""), SaveError,
              "[restore] PATH is damaged, or was not written by pt.save (JSONDecodeError); expected a file of "
              "pt.save; use an earlier one"),
    "cut": (broken(lambda raw: raw[:-8]), SaveError,
            "[restore] PATH is damaged, or was not written by pt.save (SafetensorError); expected a file of pt.save; "
            "use an earlier one"),
    "flipped": (broken(flipped), SaveError,
                "[restore] PATH was changed after it was written, or is of another version; expected format 1 with "
                "the same SHA-256; use an earlier one"),
    "weights": (lambda path: path.write_bytes(serialized({"w": np.ones(2)})) and None, SaveError,
                "[restore] PATH is a safetensors file of another program; expected one that pt.save wrote; for weights "
                "of PyTorch write model.load_state_dict(safetensors.numpy.load_file(path), layout='torch')"),
    "torch": (broken(lambda raw: b"PK" + raw), SaveError,
              "[restore] PATH is a file of torch.save; expected one that pt.save wrote; for weights of PyTorch write "
              "model.load_state_dict(torch.load(path), layout='torch')"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_damaged_change_nothing(name: str, tmp_path: Path) -> None:
    change, kind, message = FILES[name]
    path = tmp_path / "all.safetensors"
    model, opt = net()
    pt.save(path, model=model, optimizer=opt)
    change(path)
    other, second = net()
    before = other.state_dict()
    with pytest.raises(kind) as caught:
        pt.restore(path, model=other, optimizer=second)
    assert str(caught.value) == message.replace("PATH", str(path))
    assert isinstance(caught.value, pt.Error)
    assert all(same_bits(value, before[key]) for key, value in other.state_dict().items())


def test_parts_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    model, opt = net()
    pt.save(path, model=model, optimizer=opt, epoch=2)
    other, _ = net()
    before, stream = other.state_dict(), np.array(pt.random.default_generator().slot.numpy())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"model": other},
         f"[restore] {path} holds the state of optimizer, which is not passed; expected every state; pass "
         "optimizer=..., or strict=False to leave it and the random numbers as they are"),
        ({"model": other, "optimizer": opt, "loader": opt},
         f"[restore] {path} holds epoch, model, optimizer; expected loader among its states; leave it out"),
        ({"model": other, "optimizer": opt, "epoch": 0},
         "[restore] epoch is 0; expected an object with state_dict and load_state_dict, or a slot; plain values are in "
         "the dict that restore returns"),
    ]  # fmt: skip
    for parts, message in cases:
        with pytest.raises(SaveError) as caught:
            pt.restore(path, **parts)
        assert str(caught.value) == message
    with pytest.raises(optim.OptimizerError, match=r"^\[SGD\] 0 of 2 arrays fit: sgd.lr is missing"):
        pt.restore(path, model=other, optimizer=optim.SGD(other, lr=0.1, name="sgd"))
    assert all(same_bits(value, before[key]) for key, value in other.state_dict().items())
    assert same_bits(np.array(pt.random.default_generator().slot.numpy()), stream)


def test_what_cannot_be_saved_is_named_and_the_file_before_stands(tmp_path: Path) -> None:
    path = tmp_path / "all.safetensors"
    pt.save(path, epoch=1)
    with pytest.raises(SaveError) as caught:
        pt.save(path, epoch=2, extra={"when": [object()]})
    assert str(caught.value) == (
        "[save] extra/when/0 is object; expected an object with state_dict and load_state_dict, a slot, or plain "
        "values: numbers, strings, None, arrays, lists and dicts of them; save what it is made of"
    )
    assert pt.restore(path) == {"epoch": 1}
    raw = path.read_bytes()
    assert "random.default" in json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "weights.safetensors"
    with pytest.raises(NoFileError) as caught:
        pt.save(path, model=net()[0])
    assert isinstance(caught.value, OSError) and str(caught.value) == (
        f"[save] {path}: there is no folder {path.parent}; expected a folder that can be written to; make it: "
        "pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)"
    )
    assert not path.parent.exists()
