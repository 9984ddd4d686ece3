"""Folders for what nobody keeps."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


class TemporaryFolder:
    """A new folder, which goes with an object or when it is asked to.

    A child process that was forked meanwhile, as `multiprocessing` does, leaves it: the parent still uses it.
    """

    def __init__(self, prefix: str = "powertrain-") -> None:
        self.path, self._process = Path(tempfile.mkdtemp(prefix=prefix)), os.getpid()

    def remove(self) -> None:
        if self._process == os.getpid():
            shutil.rmtree(self.path, ignore_errors=True)

    def remove_with(self, owner: object) -> None:
        """Remove it when nobody has the owner any more."""
        weakref.finalize(owner, self.remove)
