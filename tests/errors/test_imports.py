"""Imports and calls of a script that was PyTorch's: the error shows the line to write."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors import imports

SCHEDULES = (
    "[powertrain.optim] lr_scheduler; expected a name of powertrain.optim; write opt = pt.optim.AdamW(model, "
    "schedule=pt.optim.schedules.StepLR(step_size=30))"
)
UTILS = (
    "[powertrain] utils; expected a name of powertrain; write pt.data for torch.utils.data, pt.checkpoint, "
    "tensorboardX for torch.utils.tensorboard"
)
LINES = [
    ("from powertrain.utils.data import DataLoader", UTILS),
    ("import powertrain.utils.data", UTILS),
    ("from powertrain import cat", "[powertrain] cat; expected a name of powertrain; write pt.concat(tensors, axis=0)"),
    ("from powertrain.optim.lr_scheduler import LambdaLR", SCHEDULES),
    ("from powertrain.optim import lr_scheduler", SCHEDULES),
    ("from powertrain.nn import Dense", "[powertrain.nn] Dense; expected a name of powertrain.nn; write "
     "pt.nn.Linear(in_features, out_features)"),
    ("from powertrain.nn import Linaer",
     "[powertrain.nn] Linaer; expected a name of powertrain.nn; did you mean Linear?"),
    ("from powertrain.nn.utils.rnn import pack_padded_sequence",
     "[powertrain.nn.utils.rnn] pack_padded_sequence; expected a name of powertrain.nn.utils.rnn; write y, state = "
     "lstm(padded, lengths=lengths): layers take sequences of several lengths padded"),
    ("from powertrain.data.transforms import ColorJitter",
     "[powertrain.data.transforms] ColorJitter; expected a name of powertrain.data.transforms; "
     "pt.data.ImageFolder(folder, transform=...) takes those of torchvision; rand-augment, random-erasing, "
     "colour-jitter, mixup and "
     "cutmix for recipes come with powertrain-vision"),
    ("import powertrain.cuda.amp",
     "[powertrain.cuda] amp; expected a name of powertrain.cuda; write with pt.autocast('bf16'): ..."),
    ("import powertrain.vision",
     '[powertrain] vision; expected a name of powertrain; it is a distribution of its own: pip install '
     '"powertrain[vision]", then import powertrain_vision'),
    ("import powertrain.amp", "[powertrain] amp; expected a name of powertrain; write with pt.autocast('bf16'): ..."),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), LINES, ids=[line for line, _ in LINES])
def test_an_import_of_another_library_s_name_shows_the_line(line: str, said: str) -> None:
    with pytest.raises(imports.UnknownModuleError) as caught:
        exec(line, {})
    assert str(caught.value) == said
    assert isinstance(caught.value, ModuleNotFoundError) and isinstance(caught.value, pt.Error)


def test_other_imports_are_python_s() -> None:
    for line in ("import powertrain.qqqqqq", "from powertrain import qqqqqq", "import powertrain._hidden"):
        with pytest.raises(ImportError) as caught:
            exec(line, {})
        assert not isinstance(caught.value, pt.Error), line
    assert importlib.util.find_spec("powertrain.qqqqqq") is None
    assert importlib.util.find_spec("powertrain.nn") is not None
    assert not hasattr(pt, "cat") and getattr(pt, "utils", 3) == 3


def test_the_finder_is_the_last_and_there_once() -> None:
    imports.install()
    ours = [finder for finder in sys.meta_path if type(finder).__module__ == imports.__name__]
    assert len(ours) == 1 and sys.meta_path.index(ours[0]) > 0


LAYER = pt.nn.Linear(2, 2)
AVERAGE = pt.optim.EMA(LAYER, 0.9, name="ema")


def assign(x: Any, name: str, value: Any) -> None:
    setattr(x, name, value)


def entered(*args: Any, **kwargs: Any) -> None:
    with pt.autocast(*args, **kwargs):
        pass


APPLIED = "; expected the model with the averages in it; write with ema.applied(): y = model(x)"
CALLS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: F.relu(pt.ones((2,)), inplace=True), TypeError,
     "[relu] received inplace=True; expected False: tensors never change; leave it out and use the result"),
    (lambda: pt.add(pt.ones((2,)), 1.0, out=pt.ones((2,))), TypeError,
     "[add] received out=float32[2]; expected no out: tensors never change; leave it out and use the result"),
    (lambda: pt.linspace(0, 1, 3, requires_grad=True), TypeError,
     "[linspace] received requires_grad=True; expected no requires_grad: pt.grad(fn)(x) takes a gradient; leave it "
     "out"),
    (lambda: assign(pt.ones((2,)), "requires_grad", True), AttributeError,
     "[Tensor] requires_grad = True; expected no assignment to an attribute of a tensor; write pt.grad(fn)(x): nothing "
     "is recorded on tensors"),
    (lambda: assign(pt.ones((2,)), "label", "a"), AttributeError,
     "[Tensor] label = 'a'; expected no assignment to an attribute of a tensor; write x[...] = value for its elements, "
     "or keep what belongs to it beside it"),
    (lambda: entered("cpu", dtype=pt.bfloat16), TypeError,
     "[autocast] received dtype='bfloat16'; expected a precision; write pt.autocast('bf16')"),
    (lambda: entered(device_type="cpu", dtype="float16"), TypeError,
     "[autocast] received device_type='cpu', dtype='float16'; expected a precision; write pt.autocast('f16')"),
    (lambda: entered("cpu", enabled=False), TypeError,
     "[autocast] received enabled=False; expected a precision; write pt.autocast('f32')"),
    (lambda: entered(), TypeError,
     "[autocast] received None; expected one of 'f32', 'bf16', 'f16'; for example 'bf16'"),
    (lambda: pt.save({"a": 1}, Path("x.pt")), ValueError,
     "[save] received dict, PosixPath; expected a path, then parts by name; write pt.save(path, model=model, "
     "optimizer=opt, epoch=epoch)"),
    (lambda: pt.load("weights.pt"), pt.Error,
     "[load] received 'weights.pt', a file; expected the folder of a run; write pt.restore(path, model=model) for what "
     "pt.save wrote, or model.load_state_dict(safetensors.numpy.load_file(path), layout='torch') for weights of "
     "PyTorch"),
    (lambda: pt.optim.AdamW(LAYER, lr=lambda step: 1.0), ValueError,  # type: ignore[arg-type]
     "[optimizer] lr = function; expected a number > 0; pass a function of the step as schedule=..."),
    (lambda: pt.optim.SGD(LAYER, lr="0.1"), ValueError,  # type: ignore[arg-type]
     "[optimizer] lr = '0.1'; expected a number > 0; 1e-3 is usual for adamw"),
    (lambda: pt.nn.value_and_grad(LAYER, F.cross_entropy)(LAYER(pt.ones((3, 2))), np.array([0, 1, 1])), ValueError,
     "[value_and_grad] the loss depends on none of the 2 parameters; expected a function that computes it with the "
     "model; write lambda x, y: loss_fn(model(x), y) for the function"),
    (lambda: AVERAGE.update_parameters(LAYER), ValueError,
     "[ema] update_parameters(); expected update(); write ema.update() behind opt.update(grads)"),
    (lambda: AVERAGE(pt.ones((1, 2))), ValueError, f"[ema] called like a model{APPLIED}"),
    (lambda: AVERAGE.module, AttributeError, f"[ema] module{APPLIED}"),
    (lambda: AVERAGE.eval(), ValueError, f"[ema] eval(){APPLIED}"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "said"), CALLS, ids=[said.split(";")[0] for _, _, said in CALLS])
def test_a_call_of_a_torch_script_shows_the_line(call: Callable[[], Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == said
    assert isinstance(caught.value, pt.Error)


def test_a_tensor_keeps_its_special_attributes() -> None:
    x = pt.tensor(np.ones((2,), np.float32))
    with pytest.raises(TypeError):
        x.__class__ = int  # type: ignore[assignment]
    x += 1
    assert x.tolist() == [2, 2]


def test_a_module_that_an_installation_lacks_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of a name imports modules, and so may ask for the same one again."""
    finder = imports._Finder()
    monkeypatch.setattr(imports.hints, "knows", lambda where, name: finder.find_spec(f"{where}.{name}") is not None)
    assert finder.find_spec("powertrain.gap") is None
