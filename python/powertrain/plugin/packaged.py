"""A file that a distribution should bring in its package, and does not."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from powertrain.plugin.registry import ENGINE, registry


def left_out(error: BaseException) -> tuple[str, str] | None:
    """What was expected and how to fix it, where the file that is not there lies in the package of a plugin; else None.

    setuptools leaves what is not Python out of a wheel.
    """
    if not isinstance(error, OSError) or error.errno != errno.ENOENT or not isinstance(error.filename, (str, Path)):
        return None
    missing = Path(error.filename).absolute()
    for plugin in registry().plugins():
        module = sys.modules.get(plugin.module)
        if plugin.distribution == ENGINE or module is None:
            continue
        for folder in map(Path, getattr(module, "__path__", ())):
            if missing.is_relative_to(folder):
                name = missing.relative_to(folder).as_posix()
                return (
                    f"the file in the package of {plugin.distribution}",
                    f'write {plugin.module} = ["{name}"] under [tool.setuptools.package-data] in its pyproject.toml, '
                    "and install it again",
                )
    return None
