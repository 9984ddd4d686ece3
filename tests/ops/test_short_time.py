"""Short-time Fourier transforms against PyTorch's, and back to the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(0)
WINDOW = np.hanning(17)[:-1] + 0.01
CALLS: list[dict[str, Any]] = [
    {}, {"hop_length": 5}, {"window": WINDOW, "center": False}, {"window": WINDOW, "normalized": True},
    {"window": WINDOW[:12], "win_length": 12, "hop_length": 3}, {"onesided": False, "pad_mode": "constant"},
]  # fmt: skip


@pytest.mark.peers
@pytest.mark.parametrize("call", range(len(CALLS)))
@pytest.mark.parametrize("shape", [(50,), (3, 64)])
def test_against_pytorch(call: int, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    x, rest = RNG.standard_normal(shape), CALLS[call]
    given = {**rest, **({"window": torch.tensor(rest["window"])} if "window" in rest else {})}
    given.setdefault("window", torch.ones(given.get("win_length", 16), dtype=torch.float64))
    theirs = torch.tensor(x, requires_grad=True)
    want = torch.stft(theirs, 16, return_complex=True, **given)
    got = pt.stft(x, 16, **rest)
    np.testing.assert_allclose(got.numpy(), want.detach().numpy(), rtol=1e-12, atol=1e-12)
    (want.abs() ** 2).sum().backward()
    slope = pt.grad(lambda t: pt.square(pt.abs(pt.stft(t, 16, **rest))).sum())(pt.asarray(x))
    np.testing.assert_allclose(slope.numpy(), theirs.grad.numpy(), rtol=1e-10, atol=1e-10)
    back = {name: value for name, value in given.items() if name != "pad_mode"}
    if back.get("center", True):
        ours = {name: value for name, value in rest.items() if name != "pad_mode"}
        for length in (None, 40):
            wanted = torch.istft(want.detach(), 16, length=length, **back)
            samples = pt.real(pt.istft(got, 16, length=length, **ours))
            np.testing.assert_allclose(samples.numpy(), wanted.numpy(), rtol=1e-10, atol=1e-10)


def test_there_and_back() -> None:
    x = RNG.standard_normal((2, 64)).astype("float32")
    z = pt.stft(x, 16, 4, window=np.hanning(16).astype("float32"))
    assert z.dtype.name == "complex64" and z.shape == (2, 9, 17)
    back = pt.istft(z, 16, 4, window=np.hanning(16).astype("float32"), length=64)
    np.testing.assert_allclose(back.numpy(), x, atol=1e-6)
    longer = pt.istft(z[..., :8], 16, 4, length=99).numpy()
    assert longer.shape == (2, 99) and not longer[:, 44 - 8 :].any()  # zeros behind what is told
    compiled = pt.compile(lambda t: pt.istft(pt.stft(t, 16), 16))
    np.testing.assert_array_equal(compiled(pt.asarray(x)).numpy(), pt.istft(pt.stft(x, 16), 16).numpy())


ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: pt.stft(pt.ones((9,)), 16, center=False),
     "[stft] x has shape (9,), n_fft = 16; expected at least n_fft samples; take a smaller n_fft"),
    (lambda: pt.stft(pt.ones((9,)), 16, window=pt.ones((3,))),
     "[stft] window has shape (3,); expected (16,), its length; pass win_length or another window"),
    (lambda: pt.stft(pt.ones((9,)), 16, win_length=17),
     "[stft] win_length = 17, n_fft = 16; expected 1 to n_fft; leave it out for n_fft"),
    (lambda: pt.stft(pt.ones((9,)), 16, 0), "[stft] n_fft = 16, hop_length = 0; expected at least 1; pass both"),
    (lambda: pt.stft(pt.ones((8,)), 16),
     '[pad] mode = "reflect", 8 before and 8 behind axis 0 of x, which is f32[8]; expected at most 7; pad less, or in '
     "two steps"),
    (lambda: pt.istft(pt.ones((8, 3)), 16),
     "[istft] z has shape (8, 3), n_fft = 16; expected [..., 9, pieces]; check n_fft and onesided"),
    (lambda: pt.istft(pt.ones((9, 3)), 16, window=np.hanning(16), center=False),
     "[istft] the window is 0 wherever some sample is seen; expected every sample under a part that is not; take a "
     "smaller hop_length, or center=True"),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(ERRORS)))
def test_errors(index: int) -> None:
    call, text = ERRORS[index]
    with pytest.raises(pt.ShapeError) as caught:
        call()
    assert str(caught.value) == text
