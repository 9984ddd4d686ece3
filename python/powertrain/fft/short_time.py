"""Short-time Fourier transforms, by PyTorch's definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain import _core, fft
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

if TYPE_CHECKING:  # a program that only shows its help needs no NumPy
    import numpy as np
    from numpy.typing import NDArray

Tensor = _core.Tensor


def _window(window: Any, win_length: int | None, n_fft: int, where: str) -> Tensor | None:
    """The window in the middle of n_fft samples; None for ones everywhere."""
    size = n_fft if win_length is None else win_length
    if not 0 < size <= n_fft:
        raise _core.ShapeError(
            f"[{where}] win_length = {size}, n_fft = {n_fft}; expected 1 to n_fft; leave it out for n_fft"
        )
    if window is None and size == n_fft:
        return None
    given = _core.full((size,), 1.0, "float32") if window is None else _core.asarray(window)
    if given.shape != (size,):
        raise _core.ShapeError(
            f"[{where}] window has shape {given.shape}; expected ({size},), its length; pass win_length "
            "or another window"
        )
    left = (n_fft - size) // 2
    return OPERATORS["pad"](given, [left], [n_fft - size - left])


def _hop(hop_length: int | None, n_fft: int, where: str) -> int:
    hop = n_fft // 4 if hop_length is None else hop_length
    if n_fft < 1 or hop < 1:
        raise _core.ShapeError(f"[{where}] n_fft = {n_fft}, hop_length = {hop}; expected at least 1; pass both")
    return hop


def _places(frames: int, n_fft: int, hop: int) -> NDArray[np.int64]:
    import numpy as np

    return hop * np.arange(frames)[:, None] + np.arange(n_fft)


def stft(
    x: TensorLike,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: TensorLike | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool = True,
) -> Tensor:
    """Fourier transforms of pieces of x, each n_fft long and hop_length behind the one before, times a window.

    center      piece t is around sample t * hop_length, of x continued as the mode of pad says
    normalized  divided by the root of n_fft
    onesided    the first n_fft // 2 + 1 frequencies, since the others are conjugates; of real x

    Shapes    x [..., samples], window [win_length] -> complex [..., frequencies, pieces]
    Errors    fewer samples than n_fft; a window of another length; complex x that is onesided
    Grad      x, window
    Source    torch.stft

    Example
        >>> import powertrain as pt
        >>> pt.stft(pt.ones(16), 8, window=pt.ones(8)).shape
        (5, 9)
    """
    hop, weight = _hop(hop_length, n_fft, "stft"), _window(window, win_length, n_fft, "stft")
    given = _core.asarray(x)
    if center and given.ndim:
        sides = [*([0] * (given.ndim - 1)), n_fft // 2]
        given = OPERATORS["pad"](given, sides, sides, 0.0, pad_mode)
    if given.ndim == 0 or given.shape[-1] < n_fft:
        raise _core.ShapeError(
            f"[stft] x has shape {given.shape}, n_fft = {n_fft}; expected at least n_fft samples; take a smaller n_fft"
        )
    frames = 1 + (given.shape[-1] - n_fft) // hop
    pieces = OPERATORS["take"](given, _places(frames, n_fft, hop), given.ndim - 1)
    pieces = pieces if weight is None else pieces * weight
    transform = fft.rfft if onesided else fft.fft
    return OPERATORS["matrix_transpose"](transform(pieces, norm="ortho" if normalized else "backward"))


def istft(
    z: TensorLike,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: TensorLike | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool = True,
    length: int | None = None,
) -> Tensor:
    """The samples whose stft is nearest to z: pieces add up, divided by the squares of the window there.

    Shapes    z complex [..., frequencies, pieces] -> [..., samples]; `length` of them, zeros behind what z tells
    Errors    other frequencies than n_fft has; a window that is 0 wherever some sample is seen
    Grad      z, window
    Source    Griffin & Lim 1984; torch.istft

    Example
        >>> import powertrain as pt
        >>> pt.istft(pt.stft(pt.ones(16), 8), 8).shape
        (16,)
    """
    hop, weight = _hop(hop_length, n_fft, "istft"), _window(window, win_length, n_fft, "istft")
    given = _core.asarray(z)
    wanted = n_fft // 2 + 1 if onesided else n_fft
    if given.ndim < 2 or given.shape[-2] != wanted:
        raise _core.ShapeError(
            f"[istft] z has shape {given.shape}, n_fft = {n_fft}; expected [..., {wanted}, pieces]; check n_fft "
            "and onesided"
        )
    norm, pieces = "ortho" if normalized else "backward", OPERATORS["matrix_transpose"](given)
    made = fft.irfft(pieces, n_fft, norm=norm) if onesided else fft.ifft(pieces, n_fft, norm=norm)
    weight = _core.full((n_fft,), 1.0, "float32") if weight is None else weight
    frames, leading = given.shape[-1], given.ndim - 2
    places, total = _places(frames, n_fft, hop), n_fft + hop * (frames - 1)
    sums = OPERATORS["scatter_add"](places, made * weight, leading, size=total)
    squares = OPERATORS["broadcast_to"](OPERATORS["square"](weight), (frames, n_fft))
    seen = OPERATORS["scatter_add"](places, squares, size=total)
    first = n_fft // 2 if center else 0
    last = total - first if length is None else min(first + length, total)
    envelope = seen[first:last]
    if not envelope.symbolic and envelope.size and float(OPERATORS["min"](envelope)) < 1e-11:
        raise _core.ShapeError(
            "[istft] the window is 0 wherever some sample is seen; expected every sample under a part that is not; "
            "take a smaller hop_length, or center=True"
        )
    samples = sums[(slice(None),) * leading + (slice(first, last),)] / envelope
    missing = 0 if length is None else length - (last - first)
    return samples if missing <= 0 else OPERATORS["pad"](samples, [0] * (leading + 1), [0] * leading + [missing])
