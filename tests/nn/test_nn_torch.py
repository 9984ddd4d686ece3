"""Models against torch's: a state saved by torch loads by name, and the model gives its numbers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import powertrain as pt
from powertrain import nn
from powertrain.nn import StateError

torch = pytest.importorskip("torch", reason="the peer modules are torch's")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def near(got: Any, want: Any, tolerance: float = 2e-5) -> None:
    want = want.detach().numpy()
    assert tuple(got.shape) == want.shape
    assert np.abs(got.numpy() - want).max(initial=0) <= tolerance * max(1.0, np.abs(want).max(initial=0))


def saved(module: Any, tmp_path: Path) -> dict[str, np.ndarray]:
    """What torch's file of a module holds; weights drawn so that no part is 0 or 1."""
    from safetensors.torch import save_model

    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.tensor(0.3 * normal(*parameter.shape)))
    save_model(module, str(tmp_path / "model.safetensors"))
    return load_file(tmp_path / "model.safetensors")


# ---------------------------------------------------------------- states


def mlp() -> tuple[nn.Module, Any]:
    t = torch.nn
    return (
        nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3)),
        t.Sequential(t.Linear(5, 8), t.ReLU(), t.LayerNorm(8), t.Linear(8, 3)),
    )


def cnn() -> tuple[nn.Module, Any]:
    t = torch.nn
    return (
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 6, (3, 2), groups=2), nn.ConvTranspose2d(6, 4, 2, stride=2), nn.GroupNorm(2, 4), nn.PReLU(4),
            nn.Flatten(), nn.Linear(4 * 4 * 6, 5),
        ),
        t.Sequential(
            t.Conv2d(3, 8, 3, padding=1, bias=False), t.BatchNorm2d(8), t.ReLU(), t.MaxPool2d(2),
            t.Conv2d(8, 6, (3, 2), groups=2), t.ConvTranspose2d(6, 4, 2, stride=2), t.GroupNorm(2, 4), t.PReLU(4),
            t.Flatten(), t.Linear(4 * 4 * 6, 5),
        ),
    )  # fmt: skip


def test_an_mlp_that_torch_saved(tmp_path: Path) -> None:
    ours, theirs = mlp()
    assert ours.load_state_dict(saved(theirs, tmp_path), layout="torch") == ([], [])
    x = normal(4, 5)
    near(ours(pt.asarray(x)), theirs(torch.tensor(x)))


def test_a_cnn_with_batch_norm_that_torch_saved(tmp_path: Path) -> None:
    ours, theirs = cnn()
    images = normal(4, 3, 8, 8)
    for _ in range(3):
        theirs(torch.tensor(images))
    state = saved(theirs, tmp_path)
    flattened = {"9.weight": (4, 4, 6)}
    ours.load_state_dict(state, layout="torch", flattened=flattened)
    want = theirs.eval()(torch.tensor(images))
    near(ours.eval()(pt.asarray(images.transpose(0, 2, 3, 1))), want, 1e-4)
    back = ours.state_dict(layout="torch", flattened=flattened)
    del state["1.num_batches_tracked"]
    assert back.keys() == state.keys()
    assert all(np.array_equal(back[name], state[name]) for name in state)


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6)
        self.lstm = nn.LSTM(6, 5, 2, bidirectional=True)
        self.head = nn.Linear(10, 4)

    def forward(self, tokens: Any) -> pt.Tensor:
        return self.head(self.lstm(self.words(tokens))[0])


class TorchTagger(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(11, 6)
        self.lstm = torch.nn.LSTM(6, 5, 2, bidirectional=True, batch_first=True)
        self.head = torch.nn.Linear(10, 4)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.lstm(self.words(tokens))[0])


def test_an_lstm_that_torch_saved(tmp_path: Path) -> None:
    ours, theirs = Tagger(), TorchTagger()
    ours.load_state_dict(saved(theirs, tmp_path), layout="torch")
    tokens = RNG.integers(0, 11, (3, 7))
    near(ours(pt.asarray(tokens)), theirs(torch.tensor(tokens)))


def test_a_transformer_that_torch_saved(tmp_path: Path) -> None:
    ours = nn.Transformer(8, 2, 2, 2, 16, 0.0, "gelu", norm_first=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fast path that does not apply
        theirs = torch.nn.Transformer(8, 2, 2, 2, 16, 0.0, "gelu", norm_first=True, batch_first=True)
    state = saved(theirs, tmp_path)
    ours.load_state_dict(state, layout="torch")
    assert set(ours.state_dict()) == set(state)
    source, target = normal(3, 5, 8), normal(3, 4, 8)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(4)
    want = theirs(torch.tensor(source), torch.tensor(target), tgt_mask=mask, tgt_is_causal=True)
    near(ours(pt.asarray(source), pt.asarray(target), tgt_is_causal=True), want)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, 3), nn.Linear(3, 3)
        self.outer.weight = self.inner.weight


def test_tied_weights_come_under_any_of_their_names() -> None:
    value, bias = normal(3, 3), normal(3)
    biases = {"inner.bias": bias, "outer.bias": bias}
    for names in (["inner.weight"], ["outer.weight"], ["inner.weight", "outer.weight"]):
        model = Tied()
        model.load_state_dict({**biases, **dict.fromkeys(names, value)}, layout="torch")
        assert np.array_equal(model.outer.weight.numpy(), value.T)
        assert np.array_equal(model.state_dict("torch")["outer.weight"], value)
    assert "outer  Linear   3  weight = inner.weight, bias [3]" in Tied().summary()
    assert Tied().summary().endswith("15 parameters")
    with pytest.raises(StateError) as caught:
        model.load_state_dict({**biases, "inner.weight": value, "outer.weight": value + 1}, layout="torch")
    assert str(caught.value) == (
        "[load_state_dict] outer.weight and inner.weight have different values; expected one value, since they are "
        "tied here; untie them in the model"
    )


def test_a_torch_state_is_checked_as_any_other() -> None:
    ours, theirs = mlp()
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    state["9.weight"] = state.pop("3.bias")
    with pytest.raises(StateError) as caught:
        ours.load_state_dict(state, layout="torch")
    assert str(caught.value).startswith(
        "[load_state_dict] 5 of 6 tensors fit by name: 3.bias is missing; 9.weight is unknown; expected the state of a"
    )
    of_torch = {**theirs.state_dict(), "9.weight": torch.ones(2)}
    with pytest.raises(StateError) as caught:
        ours.load_state_dict(of_torch)
    assert str(caught.value).startswith(
        '[load_state_dict] 6 of 6 tensors fit by name in layout="torch", which is assumed: 9.weight is unknown; '
    )
    with pytest.raises(StateError, match=r"flattened 0.weight is \[8, 5\], images are \[2, 2, 2\]; expected a matrix"):
        ours.load_state_dict(state, layout="torch", flattened={"0.weight": (2, 2, 2)})


@pytest.mark.parametrize("size", [3, 5])
def test_arrays_of_torch_are_told_to_say_so_beside_batch_norms(size: int) -> None:
    """The counts of batches are in every file of PyTorch's; of square matrices they alone show whose it is."""
    ours = nn.Sequential(nn.Linear(3, size), nn.BatchNorm1d(size))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, size), torch.nn.BatchNorm1d(size))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    with pytest.raises(StateError, match=r"in PyTorch's layout they fit: write load_state_dict\(state, layout=\"torch"):
        ours.load_state_dict(state)
    assert ours.load_state_dict(state, layout="torch") == ([], [])
    state["2.weight"] = np.ones(2, np.float32)
    with pytest.raises(StateError, match=r"build the model with the parameters that it was saved with"):
        ours.load_state_dict(state)


def test_a_clone_shares_nothing_but_what_is_tied() -> None:
    model = Tied()
    twin = model.clone()
    assert twin.inner.weight is twin.outer.weight and twin.inner.weight is not model.inner.weight
    before = model.state_dict()
    twin.inner.weight.value = pt.zeros((3, 3))
    assert np.array_equal(model.inner.weight.numpy(), before["inner.weight"])
    assert [name for name, _ in twin.named_slots()] == list(before)


# ---------------------------------------------------------------- containers


def test_containers_name_what_they_hold() -> None:
    parts = nn.ModuleList([nn.Linear(2, 2)])
    parts.append(nn.ReLU())
    parts[0] = nn.Linear(2, 3)
    named = nn.ModuleDict({"one": nn.Linear(1, 1)})
    named["two"] = parts
    assert [name for name, _ in named.named_slots()] == ["one.weight", "one.bias", "two.0.weight", "two.0.bias"]
    assert list(named) == ["one", "two"] == list(named.keys()) and len(named) == 2 and "two" in named
    assert [module for _, module in named.items()] == list(named.values())
    assert isinstance(parts[-1], nn.ReLU) and len(parts) == 2
    for wrong, message in (
        (lambda: parts.append(pt.relu), r"\[ModuleList\] Op at place 2; expected a module"),
        (lambda: named.__setitem__("three", 3), r"\[ModuleDict\] three is int; expected a module"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong()
    with pytest.raises(ValueError, match=r"\[ModuleDict\] the name 'forward'; expected one without dots"):
        named["forward"] = nn.ReLU()


# ---------------------------------------------------------------- layouts that nobody said


def test_the_layout_of_torchs_tensors_is_read_from_their_shapes() -> None:
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2))
    ours = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    x = normal(4, 3)
    near(ours(pt.asarray(x)), theirs(torch.tensor(x)))
    own = {name: torch.tensor(value) for name, value in ours.state_dict().items()}
    again = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    again.load_state_dict(own)
    assert np.array_equal(again[0].weight.numpy(), ours[0].weight.numpy())


def test_square_matrices_of_torch_want_the_layout_said() -> None:
    theirs, ours = torch.nn.Linear(3, 3), nn.Linear(3, 3)
    before = ours.state_dict()
    with pytest.raises(StateError) as caught:
        ours.load_state_dict(theirs.state_dict())
    assert str(caught.value) == (
        "[load_state_dict] weight is [3, 3] in our layout and in PyTorch's, which is its transpose; expected the "
        'layout; write load_state_dict(state, layout="torch") for weights of PyTorch\'s module, layout="own" for those '
        "of state_dict()"
    )
    assert np.array_equal(before["weight"], ours.weight.numpy())
    ours.load_state_dict(theirs.state_dict(), layout="torch")
    assert np.array_equal(ours.weight.numpy(), theirs.weight.detach().numpy().T)


def test_parameters_of_torchs_tensors() -> None:
    for value in (torch.ones(3), torch.nn.Parameter(torch.ones(3)), torch.ones(3, dtype=torch.bfloat16)):
        slot = nn.Parameter(value)
        assert slot.trainable and slot.dtype.name == str(value.dtype).removeprefix("torch.")
        assert slot.value.astype("float32").numpy().tolist() == [1.0] * 3
