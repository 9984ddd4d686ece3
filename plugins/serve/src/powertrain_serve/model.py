"""One version of a model: a trained run, or a language model that others trained, opened to answer."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt
from powertrain_serve.errors import RefusedError
from powertrain_serve.rows import TEXT
from powertrain_serve.writers import Writer, is_pretrained, pretrained

Array = Any
_MOST = np.finfo(np.float32).max  # which models compute in
QUICK = 1e-3  # seconds for which the event loop may be held up


class Model:
    """A run that answers, or what writes texts. Nothing of it changes once it is warm, so any thread may ask it."""

    def __init__(self, name: str, version: str, run: Any, writer: Writer | None = None) -> None:
        self.name, self.version, self.run, self.writer = name, version, run, writer
        # How an answer in words begins.
        self.opening = json.dumps({"model": name, "version": version}, allow_nan=False)[:-1] + ', "predictions": '
        self.reads_files = False
        self.takes: dict[str, str] = {}  # columns of a table, or a text; nothing where it takes numbers
        self.shape: tuple[int, ...] = ()
        self.dtype: Any = np.dtype(np.float32)
        self.labels: tuple[str, ...] = ()  # this and the next are known once it is warm
        self.output_shape: tuple[int, ...] | None = None
        self.quick = False  # whether a batch takes less than a change of threads is worth
        self.plain = False  # whether examples are numbers that the data set takes as they are
        self.profile: Any = None  # what it was trained on, where the run has kept that
        if writer is None:
            self._describe(run.run.dataset)

    def _describe(self, dataset: Any) -> None:
        self.reads_files, self.takes = dataset.read is not None, dict(dataset.takes)
        if dataset.kind.tokens:
            self.writer = Writer(self.run, dataset.vocabulary)
        else:
            self._example: Any = self.run.example
            self.plain = dataset.encode is None and not self.takes
            self.shape, self.dtype = tuple(self._example.shape[1:]), self._example.dtype
            with contextlib.suppress(pt.Error):
                self.profile = self.run.profile

    @classmethod
    def of_folder(cls, name: str, version: str, folder: Path, trust: bool, threads: int | None) -> Model:
        if is_pretrained(folder):
            made = cls(name, version, None, pretrained(folder))
        else:
            made = cls(name, version, pt.load(folder, trust=trust))
        if threads is not None:  # the run has set what its recipe says
            pt.set_threads(threads)
        return made

    @property
    def writes(self) -> bool:
        """Whether it continues a text."""
        return self.writer is not None

    def warm(self, batch: int) -> None:
        """Compile the programs of all batch sizes, so that no request waits for one; what writes a text begins one."""
        if self.writer is not None:
            with contextlib.suppress(pt.Error):
                list(self.writer.stream([[0]], max_new_tokens=2))
        size = 1
        while not self.writes and size <= batch:
            # Zeros, in place of an example, may have no finite answer. The program is made all the same.
            with contextlib.suppress(pt.Error):
                made = self.run.predict(np.repeat(self._example, size, axis=0), checked=True)
                self.labels, self.output_shape = made.classes, tuple(made.outputs.shape[1:])
            size *= 2
        if not self.writes:
            self.quick = self._seconds(batch) < QUICK

    def _seconds(self, batch: int) -> float:
        """How long the largest batch takes, at best."""
        examples, found = np.repeat(self._example, batch, axis=0), []
        for _ in range(3):
            began = time.perf_counter()
            with contextlib.suppress(pt.Error):
                self.run.predict(examples, checked=True)
            found.append(time.perf_counter() - began)
        return min(found)

    def examples(self, given: Any) -> Array:
        """Examples of a request, [examples, ...], checked: an array, texts, rows, or the path of a file.

        They have the dtype of the training examples. So requests can be joined without changing each other, and no
        dtype of a stranger makes the engine compile one more program.
        """
        found = self.run.examples(given)
        if found.dtype.kind not in "fiub":
            raise RefusedError(400, f"elements of {found.dtype}; expected numbers; convert them")
        made = found.astype(self.dtype, copy=False)
        if self.dtype.kind != "f" and not np.logical_and.reduce(made == found, axis=None):
            raise RefusedError(400, f"numbers that {self.dtype} does not hold; expected {self.dtype}; convert them")
        return made

    def numbers(self, given: Array) -> Array | None:
        """The same for an array of numbers of the model's shape, where one look shows that nothing is wrong with it;
        None where `examples` is to look closer."""
        wanted, kind = self.dtype.kind, given.dtype.kind
        if given.shape[1:] != self.shape or (kind not in "iub" and not kind == wanted == "f"):
            return None
        if kind == "f":  # NaN is not below it, either
            return given.astype(self.dtype) if np.maximum.reduce(np.abs(given), axis=None) <= _MOST else None
        made = given.astype(self.dtype)
        return made if wanted == "f" or np.logical_and.reduce(made == given, axis=None) else None

    def of_json(self, rows: list[Any]) -> Array | None:
        """Examples of nested lists of numbers, where one look shows that nothing is wrong with them; else None. Bytes,
        such as pictures have, need no array of larger numbers first."""
        if self.dtype != np.uint8:
            return self.numbers(np.array(rows))
        level = rows
        for size in self.shape:
            if set(map(len, level)) != {size}:
                return None
            level = list(itertools.chain.from_iterable(level))
        return np.frombuffer(bytearray(level), np.uint8).reshape(len(rows), *self.shape)

    def typed(self, columns: Any) -> Any:
        """Columns of a table, of the kinds that its profile has."""
        return self.run.run.dataset.raw.typed(columns)

    def answers(self, examples: Array) -> Any:
        return self.run.predict(examples, checked=True)

    def continued(self, prompt: Any, **settings: Any) -> Iterator[pt.nn.Written]:
        """What comes after a prompt, piece by piece."""
        assert self.writer is not None
        return self.writer.stream(prompt, **settings)

    def about(self) -> dict[str, Any]:
        """What the model takes and gives, in words."""
        takes: dict[str, Any] = {"shape": [-1, *self.shape], "dtype": str(self.dtype)}
        if self.writes:
            takes = {"text": True}
        elif self.takes:
            takes = {"texts": True} if self.takes == TEXT else {"columns": self.takes}
        decision = {} if self.run is None else self.run.run.evaluations.decision.table()
        return {"name": self.name, "version": self.version, "takes": takes, "labels": list(self.labels), **decision}
