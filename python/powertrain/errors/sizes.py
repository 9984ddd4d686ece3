"""The size of a tensor: the number of elements, as in NumPy. Called as PyTorch's, it says what to write."""

from __future__ import annotations

from typing import NoReturn

from powertrain import _core


class Size(int):
    """An int. A call of it, as x.size(0), is an error that shows x.shape[0]; copies and pickles are plain ints."""

    __slots__ = ()

    def __call__(self, *axes: object, **named: object) -> NoReturn:
        given = ", ".join([*map(repr, axes), *(f"{name}={value!r}" for name, value in named.items())])
        axis = next(iter([*axes, *named.values()]), None)
        wanted = "x.shape" if axis is None else f"x.shape[{axis!r}]"
        raise _core.DTypeError(
            f"[Tensor] received size({given}); expected no call: x.size is the number of elements, as NumPy's; write "
            f"{wanted}"
        )

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)
