"""Locks of modules, which a fork must not leave taken."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class ModuleLock:
    """A lock that lives as long as the process. In a child process it is free, whoever held it at the fork.

    `kind` is threading.RLock where the thread that holds it may come again, as from a finalizer.
    """

    def __init__(self, kind: Callable[[], AbstractContextManager[Any]] = threading.Lock) -> None:
        self._kind = kind
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = self._kind()

    def __enter__(self) -> None:
        lock = self._lock
        lock.__enter__()
        self._held = lock  # the thread that holds it may fork, and gives back in the child what it took before

    def __exit__(self, *error: object) -> None:
        self._held.__exit__(None, None, None)
