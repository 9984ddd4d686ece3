"""Where the C header of kernel plugins is."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """The folder of powertrain.h, which a kernel in C includes.

    Example
        >>> import os, powertrain as pt
        >>> os.path.exists(os.path.join(pt.get_include(), "powertrain.h"))
        True
    """
    installed = Path(__file__).parent / "include"
    # In the source tree the header lies where the engine itself includes it.
    return str(installed if installed.exists() else Path(__file__).parents[2] / "cpp" / "abi")
