"""By the losses of the first steps one knows that an implementation does the work, and not some other."""

from __future__ import annotations

from collections.abc import Sequence

# Shares of the loss. Frameworks agree to 1e-5 in float32; what is kept in 16 bits has 8 (bf16) or 11 (f16) of them.
# ResNet-18 grows every difference tenfold a step at its learning rate.
AGREES = 1e-3
AGREES_LOOSELY = 2e-2


def compare_losses(
    losses: Sequence[float], reference: Sequence[float], growing: bool, precision: str = "f32"
) -> tuple[float | None, bool]:
    """The largest difference in the first four steps, as a share of the loss, and whether it is too large. Where
    differences grow by themselves (`growing`), or things are kept in 16 bits, three steps are compared."""
    loosely = growing or precision != "f32"
    pairs = list(zip(losses, reference, strict=False))[: 3 if loosely else 4]
    if not pairs:
        return None, False
    error = max(abs(got - want) / abs(want) for got, want in pairs)
    return error, not error <= (AGREES_LOOSELY if loosely else AGREES)
