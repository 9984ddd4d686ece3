"""Headers of NumPy's format, read by several threads."""

from __future__ import annotations

import ast
import io
import threading
import time
from typing import Any

import numpy as np
import pytest

from powertrain.data.npy import read_header


def test_one_header_is_parsed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once may get a SystemError of CPython 3.11, by chance: one in some ten thousand did."""
    content = io.BytesIO()
    np.save(content, np.zeros((3, 8, 8), np.float32))
    parse, inside, most, found = ast.literal_eval, [0], [0], []

    def parsed(text: str) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return parse(text)

    def read() -> None:
        found.append(read_header(io.BytesIO(content.getvalue()), len(content.getvalue())).shape)

    monkeypatch.setattr(ast, "literal_eval", parsed)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(3, 8, 8)] * 4 and most == [1]
