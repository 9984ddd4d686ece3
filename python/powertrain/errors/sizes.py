"""The call of a size, as x.size(0): PyTorch's method, and NumPy's number here."""

from __future__ import annotations

import itertools
import linecache
import re
from typing import Final

from powertrain import _core

_CALL: Final = re.compile(r"(?P<tensor>.+)\.size\((?:dim\s*=\s*)?(?P<axis>.*)\)")


def called_size(error: TypeError) -> _core.DTypeError | None:
    """The error that shows the line for a call of `size` in a caller's function; None for any other call.

    Found from the text of the call once Python has refused it, so that `x.size` stays an int and costs no more.
    """
    below = error.__traceback__
    while below is not None and below.tb_next is not None:
        below = below.tb_next
    if below is None:
        return None
    code = below.tb_frame.f_code
    positions = getattr(code, "co_positions", None)
    if positions is None:  # Python 3.10 does not say which call of a line it was
        return None
    line, last, start, end = next(itertools.islice(positions(), below.tb_lasti // 2, None))
    if line is None or line != last or start is None or end is None:
        return None
    text = linecache.getline(code.co_filename, line, below.tb_frame.f_globals).encode()[start:end].decode()
    found = _CALL.fullmatch(text)
    if found is None:
        return None
    tensor, axis = found["tensor"], found["axis"]
    frame = below.tb_frame
    if tensor.isidentifier() and type({**frame.f_globals, **frame.f_locals}.get(tensor)) is not _core.Tensor:
        return None
    wanted = f"{tensor}.shape[{axis}]" if axis else f"{tensor}.shape"
    return _core.DTypeError(
        f"[Tensor] received {text}; expected no call: size is the number of elements, as NumPy's; write {wanted}"
    )
