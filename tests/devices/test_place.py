"""Names of devices, and what happens on a machine without the one that is asked for."""

from __future__ import annotations

import copy
import pickle

import pytest

import powertrain as pt
from powertrain.devices import loading


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: None)


@pytest.mark.parametrize(
    ("given", "name", "kind", "index"),
    [
        (("cpu",), "cpu", "cpu", 0),
        (("cuda",), "cuda:0", "cuda", 0),
        (("cuda:3",), "cuda:3", "cuda", 3),
        (("cuda", 2), "cuda:2", "cuda", 2),
        ((pt.device("cuda:1"),), "cuda:1", "cuda", 1),
        ((), "cpu", "cpu", 0),
    ],
)
def test_a_device_has_a_name_a_type_and_an_index(given: tuple[object, ...], name: str, kind: str, index: int) -> None:
    made = pt.device(*given)  # type: ignore[arg-type]
    assert (str(made), made.type, made.index) == (name, kind, index)
    assert made == name and name == made and made == pt.device(name) and hash(made) == hash(name)
    assert made != "meta" and made != 0
    assert repr(made) == f"device({name!r})"
    assert pickle.loads(pickle.dumps(made)) == made and copy.deepcopy(made) == made


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("gpu",), "[device] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'"),
        (("tpu",), "[device] received 'tpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cpu', and "
                   "pt.compile(step, backend='xla') for a step on a TPU"),
        (("",), "[device] received ''; expected 'cpu', 'cuda' or 'cuda:1'; write 'cpu'"),
        (("cuda:1", 1), "[device] received 'cuda:1' and index = 1; expected 'cpu', 'cuda' or 'cuda:1'; write 'cpu'"),
        (("cpu", 1), "[device] index = 1 of 'cpu'; expected 0, for there is one; leave it out"),
        (("cuda", -1), "[device] index = -1 of 'cuda'; expected which of its devices, from 0 on; leave it out"),
        (("cuda", True), "[device] index = True of 'cuda'; expected which of its devices, from 0 on; leave it out"),
    ],
)  # fmt: skip
def test_other_names_are_errors(given: tuple[object, ...], text: str) -> None:
    with pytest.raises(pt.Error) as error:
        pt.device(*given)  # type: ignore[arg-type]
    assert str(error.value) == text
    assert isinstance(error.value, ValueError)


def test_tensors_of_the_cpu_say_so_and_go_there() -> None:
    x = pt.ones((2, 3), device="cpu")
    assert x.device == "cpu" and isinstance(x.device, pt.device)
    assert x.to("cpu") is x and x.cpu() is x and x.to_device(x.device) is x
    assert x.to(pt.zeros((), "float64")).dtype == pt.float64
    assert pt.nn.Linear(2, 3, device="cpu").to("cpu").weight.device == "cpu"
    with pt.device("cpu"):
        assert pt.zeros_like(x).device == "cpu"


def test_without_the_distribution_the_reason_says_what_to_install(no_library: None) -> None:
    reason = "powertrain-cuda is not installed; pip install powertrain-cuda"
    assert not pt.cuda.is_available() and pt.cuda.device_count() == 0
    assert pt.cuda.why_not() == reason
    for use in (
        lambda: pt.ones((2,), device="cuda:7"),  # that no other test has opened
        lambda: pt.ones((2,)).cuda(7),
        lambda: pt.ones((2,)).to("cuda:7"),
        lambda: pt.nn.Linear(2, 3).to("cuda:7"),
        lambda: pt.nn.Linear(2, 3, device="cuda:7"),
        lambda: pt.device("cuda", 7).__enter__(),
        lambda: pt.cuda.synchronize(7),
    ):
        with pytest.raises(pt.Error, match="expected a device of this machine; " + reason) as error:
            use()  # type: ignore[no-untyped-call]
        assert isinstance(error.value, RuntimeError)


def test_a_recipe_takes_the_cpu_where_there_is_no_gpu(no_library: None) -> None:
    run = pt.fit("digits", steps=2, verbose=False)
    assert run.model.state_dict() and all(slot.device == "cpu" for slot in run.model.parameters())
    with pytest.raises(pt.Error, match=r"\[run\] device = 'cuda:7'; expected a device of this machine"):
        pt.fit("digits", steps=2, verbose=False, device="cuda:7")
    with pytest.raises(pt.Error, match=r"run.device.*received \"gpu\"; expected"):
        pt.fit("digits", steps=2, verbose=False, device="gpu")
