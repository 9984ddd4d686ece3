"""Fourier transforms of PyTorch, and what takes complex numbers apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from conformance.adapter import CALLS, call_of, offered


def along_one(op: str) -> Callable[..., Any]:
    return lambda input, n=None, dim=-1, norm=None: getattr(pt.fft, op)(input, n, dim, norm)


def along_two(op: str) -> Callable[..., Any]:
    return lambda input, s=None, dim=(-2, -1), norm=None: getattr(pt.fft, op)(input, s, dim, norm)


def along_several(op: str) -> Callable[..., Any]:
    return lambda input, s=None, dim=None, norm=None: getattr(pt.fft, op)(input, s, dim, norm)


def shifted(op: str) -> Callable[..., Any]:
    return lambda input, dim=None: getattr(pt.fft, op)(input, dim)


CALLS.update({f"fft.{op}": along_one(op) for op in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")})
CALLS.update({f"fft.{op}": along_two(op) for op in ("fft2", "ifft2", "rfft2", "irfft2")})
CALLS.update({f"fft.{op}": along_several(op) for op in ("fftn", "ifftn", "rfftn", "irfftn")})
CALLS.update({f"fft.{op}": shifted(op) for op in ("fftshift", "ifftshift")})


@call_of("angle")
def angle(input: Any) -> Any:
    return pt.angle(input)


@call_of("conj", "conj_physical", "resolve_conj")
def conj(input: Any) -> Any:
    return pt.conj(input)


@call_of("complex")
def complex_(input: Any, other: Any) -> Any:
    return pt.complex(input, other)


@call_of("view_as_complex")
def view_as_complex(input: Any) -> Any:
    return pt.view_as_complex(input)


@call_of("stft")
def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Any:
    offered(return_complex is not False, "return_complex = False")
    onesided = True if onesided is None else onesided
    return pt.stft(input, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided)
