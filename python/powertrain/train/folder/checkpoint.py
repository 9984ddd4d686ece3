"""Checkpoints: the named slots of a run, nothing else, written so that a kill or a full disk never costs the last one.

One checkpoint is two files. `round-000000000120.safetensors` holds the arrays; `round-000000000120.json` holds what is
no array, the size and hash of the first, and its own. The JSON is written last: without it there is no checkpoint.
Each file is written aside, synced and renamed, and then the folder is synced. Files of arrays are hashed in chunks
(`ChunkedHash`): whoever takes a run up waits for that.

Arrays that training never changes, such as a frozen base below adapters, may be gigabytes. They are a third file,
`lasting-<hash>.safetensors`, which is written once and named by the JSON of each checkpoint that it belongs to. The
rows of large rings are such files too, of a few megabytes each: what was not appended to since is not written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.io.array_pieces import Arrays, Piece, safetensors_pieces
from powertrain.io.files import Files, FolderError, NoSpaceError
from powertrain.io.hashing import ChunkedHash
from powertrain.io.records import MisfitError, fitted, from_json
from powertrain.train.folder.hashed_ahead import HashedAhead
from powertrain.train.folder.keeping import Policy
from powertrain.train.folder.saved_arrays import FileDamagedError, SavedArrays

POLICY = Policy()  # of a run that names none
FORMAT = 4
LEAST_LASTING = 1 << 20  # bytes; fewer are not worth a file
LEAST_AHEAD = 1 << 24  # bytes; fewer are hashed sooner than a thread has begun
PIECE_BYTES = 1 << 22  # of rows in a file
PART_BYTES = 1 << 19  # that are hashed and written together, while they are in a cache
FOLDER = "checkpoints"
META = {"seconds": float, "steps": int}
# What a run adds to that: counters, what an evaluation at that commit gave, and of which of these lower values are
# better.
EVALUATED = {"progress": {...: int}, "values": {...: float}, "lower": [str]}
HEADER = {"format": int, "number": int, "bytes": int, "seal": str}


class CheckpointError(Error):  # type: ignore[misc, unused-ignore]
    """A checkpoint that cannot be used."""


class OtherFormatError(CheckpointError):
    """A checkpoint that is whole, and was written by another version."""


@dataclass(frozen=True)
class Checkpoint:
    """What a run was at one commit."""

    number: int
    arrays: Mapping[str, NDArray[Any]]  # each is read when it is asked for
    meta: dict[str, Any]


class Checkpoints:
    """The checkpoints in the folder of a run."""

    def __init__(self, run: Path) -> None:
        self.files = Files(run)
        self._lasting_seen: set[str] = set()  # lasting files that this process has read or written whole
        self._hashes = HashedAhead()

    def numbers(self) -> list[int]:
        """What exists, oldest first."""
        found = (re.fullmatch(r"round-([0-9]{12,})\.json", name) for name in self.files.names(FOLDER))
        return sorted(int(match[1]) for match in found if match)

    def save(
        self,
        number: int,
        arrays: Arrays,
        meta: Mapping[str, Any],
        lasting: Iterable[str] = (),
        policy: Policy = POLICY,
        rings: Iterable[str] = (),
    ) -> None:
        """Write a checkpoint, then drop those that the policy does not keep. On a full disk nothing that was there is
        lost. Checkpoints with a larger number were found to be damaged: a run that begins after them writes them again.

        `lasting` names arrays that are hardly ever other ones: while they are the same they are written once. `rings`
        names those of which few rows are other ones than in the last checkpoint: only these are written.
        """
        apart = {name: arrays[name] for name in lasting}
        if sum(array.nbytes for array in apart.values()) < LEAST_LASTING:
            apart = {}
        rows = {name: arrays[name] for name in rings if arrays[name].nbytes >= LEAST_LASTING}
        rest = {name: array for name, array in arrays.items() if name not in apart and name not in rows}
        header: dict[str, Any] = {"format": FORMAT, "number": number, "meta": dict(meta)}
        try:
            if apart:
                header["lasting"] = self._save_lasting(apart)
            if rows:
                header["rows"] = {
                    name: [self._save_lasting({"rows": piece}) for piece in _pieces(array)]
                    for name, array in rows.items()
                }
            hashed = ChunkedHash()
            header["bytes"] = self._write(_name(number, ".safetensors"), safetensors_pieces(rest), hashed)
            header["hash"] = hashed.hexdigest()
            self.files.replace(_name(number, ".json"), _sealed(header))
        except NoSpaceError:
            if number not in self.numbers():
                self.files.remove(_name(number, ".safetensors"))
            self.prune(policy, number - 1)
            raise
        self.prune(policy, number)

    def _save_lasting(self, arrays: Arrays) -> str:
        pieces, hashed = safetensors_pieces(arrays), ChunkedHash()
        for piece in pieces:
            hashed.update(piece)
        digest = hashed.hexdigest()
        name = _lasting(digest)
        known = digest in self._lasting_seen and self.files.there(name)
        if not known and not self._holds(name, pieces):
            self._write(name, pieces)
        self._lasting_seen.add(digest)
        return digest

    def _holds(self, name: str, pieces: Iterable[Piece]) -> bool:
        """Whether a file is there and holds these pieces: a disk may have damaged it."""
        try:
            with self.files.reading(name) as file:
                return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)
        except (OSError, FolderError):
            return False

    def _write(self, name: str, pieces: Sequence[Piece], hashed: ChunkedHash | None = None) -> int:
        """A file of arrays, which is hashed where its hash is not known; its size. Other threads run while a part is
        hashed and written, which reads it from memory once."""
        size = sum(map(len, pieces))
        with self.files.writing_once(name, size) as file:
            for piece in pieces:
                for start in range(0, len(piece), PART_BYTES):
                    part = piece[start : start + PART_BYTES]
                    if hashed is not None:
                        hashed.update(part)
                    file.write(part)
        return size

    def files_of(self, number: int) -> list[str]:
        """The names of the files of a checkpoint, in the folder of the run."""
        header = self._header(number)
        digests = [*([header["lasting"]] if header["lasting"] else []), *itertools.chain(*header["rows"].values())]
        lasting = map(_lasting, dict.fromkeys(digests))
        return [_name(number, ".json"), _name(number, ".safetensors"), *lasting]

    def metas(self, newest: int | None = None) -> dict[int, dict[str, Any]]:
        """What the whole headers say of their checkpoints, by number, oldest first, up to the newest that counts."""
        found: dict[int, dict[str, Any]] = {}
        for number in self.numbers():
            if newest is None or number <= newest:
                with contextlib.suppress(CheckpointError):
                    found[number] = self._header(number)["meta"]
        return found

    def prune(self, policy: Policy, newest: int) -> list[int]:
        """Drop the checkpoints that a policy does not keep, and what kills left behind; the numbers of the former.
        `newest` is the newest checkpoint that is whole."""
        metas, numbers = self.metas(newest), self.numbers()
        stay = policy.kept(metas)
        last = sorted(metas)[-policy.last :]
        # A damaged one that is newer than those stays, for whoever looks at it.
        dropped = [one for one in numbers if one not in stay and (one in metas or (last and one < last[0]))]
        for number in dropped:
            self.files.remove(_name(number, ".json"))  # first: without it the arrays are nobody's
            self.files.remove(_name(number, ".safetensors"))
        self._drop_strays([number for number in numbers if number not in dropped])
        return dropped

    def _drop_strays(self, numbers: list[int]) -> None:
        kept: set[str] = set()
        for number in numbers:
            try:
                kept.update(Path(name).name for name in self.files_of(number))
            except CheckpointError:  # it may be read later, and which lasting file it needs is not known
                kept.add(Path(_name(number, ".safetensors")).name)
                kept.update(name for name in self.files.names(FOLDER) if name.startswith("lasting-"))
        for name in self.files.names(FOLDER):
            # Arrays without their JSON: a kill came between the two files of a checkpoint. What is written aside, too.
            stray = re.fullmatch(
                r"(round-[0-9]+|lasting-[0-9a-f]+)\.safetensors|\.(round|lasting)-[0-9a-f]+\.(safetensors|json)\.part",
                name,
            )
            if stray and name not in kept:
                self.files.remove(f"{FOLDER}/{name}")

    def load(self, number: int) -> Checkpoint:
        """One checkpoint, or a CheckpointError that says what is wrong with it."""
        header, name = self._header(number), _name(number, ".safetensors")
        arrays = self._open(name, header["hash"], header["bytes"])
        if digest := header["lasting"]:
            arrays.add(self._load_lasting(digest))
        for name, digests in header["rows"].items():
            pieces = [self._load_lasting(digest).get("rows") for digest in digests]
            try:
                arrays.add({name: np.concatenate(pieces)})  # type: ignore[arg-type]
            except ValueError as error:  # none, without the name, or of several shapes
                raise CheckpointError(f"{Path(_name(number, '.json')).name} names no rows of {name}") from error
        return Checkpoint(number, arrays, header["meta"])

    def _load_lasting(self, digest: str) -> SavedArrays:
        lasting = self._open(_lasting(digest), digest)
        self._lasting_seen.add(digest)
        return lasting

    def _open(self, name: str, digest: str, wanted: int | None = None) -> SavedArrays:
        """The arrays of a file of this hash and so many bytes. It is read twice, here and where its arrays are used:
        what is damaged is known before anything changes, without room for all of it."""
        short = Path(name).name
        try:
            with self.files.reading(name) as file:
                size = os.fstat(file.fileno()).st_size
                if wanted is not None and size != wanted:
                    raise CheckpointError(f"{short} has {size:,} bytes; {wanted:,} were written")
                if self._hashes.hash(file) != digest:
                    raise CheckpointError(f"{short} is not what was written: its hash differs")
                return SavedArrays(file, size)
        except OSError as error:
            raise CheckpointError(f"{short} cannot be read: {error.strerror}") from error
        except FolderError as error:
            raise CheckpointError(f"{short} cannot be read: {error}") from error
        except FileDamagedError as error:
            raise CheckpointError(f"{short} holds no arrays: {error}") from error

    def _header(self, number: int) -> dict[str, Any]:
        name = Path(_name(number, ".json")).name
        try:
            header: dict[str, Any] = from_json(self.files.read(_name(number, ".json")), HEADER)
            seal = header.pop("seal")
            written = _canonical(header)
        except (OSError, FolderError, MisfitError, ValueError) as error:  # a ValueError: a number is not finite
            raise CheckpointError(f"{name} is damaged: {getattr(error, 'strerror', None) or error}") from error
        if _sha256(written) != seal:
            raise CheckpointError(f"{name} is not what was written: its SHA-256 differs")
        if header["format"] != FORMAT:
            raise OtherFormatError(f"{name} has format {header['format']}; this version reads {FORMAT}")
        if header["number"] != number:
            raise CheckpointError(f"{name} is of checkpoint {header['number']}, under another name")
        try:
            fitted(header.get("hash"), str, "hash")
            lasting = fitted(header.get("lasting"), (str,), "lasting")
            rows = fitted(header.get("rows", {}), {...: [str]}, "rows")
            for where, digest in [("lasting", lasting), *((f"rows.{key}", one) for key in rows for one in rows[key])]:
                if digest is not None and not re.fullmatch("[0-9a-f]{64}", digest):
                    raise MisfitError(f"{where} is not a SHA-256")
            meta = fitted(header.get("meta"), META, "meta")
            more = {name: shape for name, shape in EVALUATED.items() if name in meta}
            return {**header, "lasting": lasting, "rows": rows, "meta": fitted(meta, more, "meta")}
        except MisfitError as error:
            raise CheckpointError(f"{name} is not what powertrain writes: {error}") from error

    def newest_meta(self) -> dict[str, Any]:
        """What the newest whole header says of its checkpoint, without the arrays; empty where there is none."""
        for number in reversed(self.numbers()):
            try:
                return dict(self._header(number)["meta"])
            except CheckpointError:
                continue
        return {}

    def choose(self, which: str, policy: Policy) -> int:
        """The number of the checkpoint that somebody names: its round, "last", or "best" by a policy."""
        metas = self.metas()
        ranked = policy.ranked(metas)
        named = {**{str(number): number for number in metas}, "last": max(metas, default=None)}
        if ranked:
            named["best"] = ranked[0]
        if (found := named.get(which)) is None:
            best = "" if ranked else "; best needs a metric: run.keep.by"
            raise CheckpointError(
                f"[{self.files.path}] received checkpoint {which}; expected one of {', '.join(named)}{best}; "
                f"powertrain runs show {self.files.path} lists them"
            )
        return found

    def begin_to_check(self) -> None:
        """Begin to read the newest one, beside what is done before it is asked for."""
        with contextlib.suppress(CheckpointError, IndexError, OSError, FolderError):
            number = self.numbers()[-1]
            if self._header(number)["bytes"] >= LEAST_AHEAD:
                self._hashes.begin(lambda: self.files.reading(_name(number, ".safetensors")))

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest checkpoint that is whole, and a sentence for each newer one that was passed over."""
        problems: list[str] = []
        for number in reversed(self.numbers()):
            try:
                return self.load(number), problems
            except CheckpointError as error:
                problems.append(f"checkpoint {number} is not used: {error}; trying the one before")
        return None, problems

    def demand_format(self) -> None:
        """Refuse checkpoints of another version where there are no others: who goes on would begin again."""
        for number in reversed(self.numbers()):
            try:
                self._header(number)
            except OtherFormatError as error:
                raise CheckpointError(
                    f"[{self.files.path}] {error}; expected a run of this version; go on with the version of "
                    "powertrain that run.lock names, or begin in another folder"
                ) from None
            except CheckpointError:
                continue


def _name(number: int, suffix: str) -> str:
    return f"{FOLDER}/round-{number:012d}{suffix}"


def _lasting(digest: str) -> str:
    return f"{FOLDER}/lasting-{digest}.safetensors"


def _pieces(array: NDArray[Any]) -> list[NDArray[Any]]:
    """The rows of an array in pieces that begin where they began before, whatever rows were added."""
    rows = max(1, PIECE_BYTES // max(1, array.nbytes // len(array)))
    return [array[at : at + rows] for at in range(0, len(array), rows)]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _sealed(header: Mapping[str, Any]) -> bytes:
    seal = _sha256(_canonical(header))
    return (json.dumps({**header, "seal": seal}, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
