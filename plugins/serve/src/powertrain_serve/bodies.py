"""Bodies of requests: read within the limits, and made into examples."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request

import powertrain as pt
from powertrain_serve.arrow import ARROW, examples_of
from powertrain_serve.context import context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Array, Model
from powertrain_serve.rows import TEXT, columns_of, texts_of
from powertrain_serve.settings import Limits
from powertrain_serve.tensors import demand_no_texts
from powertrain_serve.waiting import Deadlines

JSON = "application/json"
NPY = "application/x-npy"
# What a file of that content type is called. A reader goes by the name; what is in the file it checks itself.
FILES = {
    "application/octet-stream": ".npy", NPY: ".npy", "text/csv": ".csv", "text/plain": ".txt",
    "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/bmp": ".bmp", "image/gif": ".gif",
    ARROW: ".arrow", "image/tiff": ".tif", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/flac": ".flac",
}  # fmt: skip
_PICTURES = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
CONTENT_TYPES = (JSON, *FILES)


class Bodies:
    """Reads bodies, and knows how much of them is in memory."""

    def __init__(self, limits: Limits, deadlines: Deadlines) -> None:
        self.limits, self.deadlines = limits, deadlines
        self.held = 0  # bytes of all requests
        self.reading = 0  # requests that are being read, and may be queued soon

    def counted(self) -> Counted:
        """Count a request as being read, until what this gives is closed."""
        return Counted(self)

    def read(self, request: Request, deadline: float) -> Body:
        """The body, for the length of an `async with`; its bytes count as held until that ends."""
        return Body(self, request, deadline)

    def check_head(self, request: Request) -> None:
        context = context_of(request)
        encoding = context.header(b"content-encoding").strip().lower()
        if encoding not in ("", "identity"):
            raise RefusedError(415, "a compressed body; expected an uncompressed one; leave Content-Encoding out")
        length = context.header(b"content-length")
        if length.isascii() and length.isdigit() and int(length[:20]) > self.limits.body:
            raise self.too_large(f"{length[:20]} bytes")

    def too_large(self, size: str) -> RefusedError:
        return RefusedError(
            413, f"a body of {size}; expected at most {self.limits.body:,}; send fewer examples at once"
        )


class Counted:
    """A request that is being read. To close it twice is the same as once."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies, self._open = bodies, True
        bodies.reading += 1

    def close(self) -> None:
        if self._open:
            self._open = False
            self._bodies.reading -= 1


class Body:
    """A body that is read where its block begins. Not a generator: that would cost a tenth of a small request."""

    def __init__(self, bodies: Bodies, request: Request, deadline: float) -> None:
        self._bodies, self._request, self._deadline = bodies, request, deadline
        self._size = 0

    async def __aenter__(self) -> bytes:
        self._bodies.check_head(self._request)
        try:
            with self._bodies.deadlines.until(self._deadline):
                return await self._all()
        except BaseException as error:
            self._bodies.held -= self._size
            if isinstance(error, asyncio.TimeoutError):
                raise RefusedError(
                    408, "the body did not arrive in time; expected it sooner; send the request again"
                ) from None
            raise

    async def _all(self) -> bytes:
        bodies, chunks, more = self._bodies, [], True
        while more:
            message = await self._request.receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(
                    400, "the body ended early; expected as many bytes as were announced; send the request again"
                )
            chunk, more = message.get("body", b""), message.get("more_body", False)
            self._size += len(chunk)
            bodies.held += len(chunk)
            if self._size > bodies.limits.body:
                raise bodies.too_large(f"more than {bodies.limits.body:,} bytes")
            if bodies.held > bodies.limits.held:
                raise RefusedError(
                    503, "the server holds too many bytes of other requests; expected fewer; send the request again", 1
                )
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def __aexit__(self, *error: object) -> None:
        self._bodies.held -= self._size


def demand_json(content_type: str, otherwise: str = "") -> None:
    """Refuse a body that is not said to be JSON; `otherwise` is what else would do."""
    if content_type != JSON:
        raise RefusedError(415, f"a body of {content_type[:80]!r}; expected {JSON}{otherwise}; set Content-Type")


def parsed_json(body: bytes) -> Any:
    """JSON without numbers that are none, and without texts that no encoding has."""
    try:
        text = body.decode("utf-8")
        found = _DECODER.decode(text)
        if "\\u" in text and "\\ud" in text.lower():
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()  # half a pair of surrogates
        return found
    except UnicodeError:
        raise RefusedError(400, "a body that is not UTF-8; expected JSON in UTF-8; encode it so") from None
    except RecursionError:
        raise RefusedError(
            400, "JSON that is nested too deeply; expected a few levels; send arrays of numbers"
        ) from None
    except ValueError as error:
        raise RefusedError(400, f"the body is not JSON: {_short(error)}; expected a JSON object; correct it") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
_SPACE = b" \t\r\n"  # of JSON


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 120 else f"{text[:117]}..."


def numbers_in(model: Model, body: bytes, limits: Limits) -> Given | None:
    """The examples of a JSON body with a list of numbers of the model's shape, and nothing else, the short way.

    None where it is something else, of which `given_in` and `examples_in` say what is wrong."""
    if not model.plain or body.count(b'"') != 2 or b"\\" in body:  # texts among the numbers, which NumPy
        return None  # would give as much room as the longest of them
    try:
        text = body.strip(_SPACE).decode("ascii")
        found, end = _DECODER.raw_decode(text)
        rows = found["examples"] if type(found) is dict and end == len(text) and len(found) == 1 else None
        if type(rows) is not list or not 0 < len(rows) <= limits.rows:
            return None
        made = model.of_json(rows)
    except (ValueError, OverflowError, RecursionError, KeyError, TypeError):
        return None
    return None if made is None else Given(made)


def given_in(content_type: str, body: bytes) -> Any:
    """What a body holds, for `examples_in`: the examples of JSON, or a file as its ending and its bytes."""
    if content_type == JSON:
        found = parsed_json(body)
        if not isinstance(found, dict) or set(found) != {"examples"} or not isinstance(found["examples"], list):
            raise RefusedError(400, 'JSON of another form; expected {"examples": [...]}; put the examples into a list')
        if not found["examples"]:
            raise RefusedError(400, "no examples; expected one or more; put them into the list")
        return found["examples"]
    ending = FILES.get(content_type)
    if ending is None:
        raise RefusedError(
            415, f"a body of {content_type[:80]!r}; expected one of {', '.join(CONTENT_TYPES)}; set Content-Type"
        )
    return ending, body


@dataclass
class Given:
    """What a request brings: examples, checked, or a text to continue; and columns of a table, where it names them."""

    examples: Any
    columns: Mapping[str, list[Any]] | None = None


def examples_in(model: Model, given: Any, limits: Limits) -> Given:
    """The examples of a request; of a model that writes, the text to continue."""
    if model.writes and not (isinstance(given, tuple) and given[0] == ".arrow"):
        return Given(_prompt(model, given))
    if not isinstance(given, tuple):
        _demand_few(len(given), limits)
        made = _of_json(model, given)
        return Given(_checked(model, made), made if isinstance(made, dict) else None)
    ending, body = given
    if ending == ".arrow":
        return Given(*examples_of(model, body, limits))
    if ending == ".npy" and not body.startswith(b"\x93NUMPY"):  # the reader would take a compressed .npz too
        raise RefusedError(400, "the body is not a .npy file; expected one; write it with numpy.save")
    if ending not in (".npy", ".npz") and not model.reads_files:
        raise RefusedError(415, f"a file {ending}; expected {JSON} or {NPY}; send numbers, which {model.name} takes")
    with tempfile.TemporaryDirectory(prefix="powertrain-serve-") as folder:
        path = Path(folder) / f"body{ending}"
        path.write_bytes(body)
        _demand_small_picture(path, ending, limits)
        try:
            found = _checked(model, path)
        except pt.Error as error:
            raise RefusedError(400, str(error).replace(str(path), "the body")) from None
    _demand_few(len(found), limits)
    return Given(found)


def _of_json(model: Model, given: list[Any]) -> Any:
    if model.takes == TEXT:
        return texts_of(given)
    if model.takes and isinstance(given[0], dict):
        return columns_of(given, model.takes)
    demand_no_texts(given, "examples")
    try:
        return np.array(given)
    except (ValueError, OverflowError):
        raise RefusedError(
            400, "examples of different shapes; expected numbers of one shape; pad the smaller ones"
        ) from None


def _checked(model: Model, given: Any) -> Array:
    try:
        return model.examples(given)
    except RefusedError:
        raise
    except pt.Error as error:
        raise RefusedError(400, str(error)) from None


def _prompt(model: Model, given: Any) -> str:
    if isinstance(given, tuple):
        ending, body = given
        given = [body.decode("utf-8", errors="replace")] if ending == ".txt" else []
    if len(given) != 1 or not isinstance(given[0], str):
        raise RefusedError(400, f"{model.name} continues a text; expected one text; send it as text/plain")
    return str(given[0])


def _demand_few(count: int, limits: Limits) -> None:
    if count > limits.rows:
        raise RefusedError(413, f"{count:,} examples; expected at most {limits.rows:,}; send them in several requests")


def _demand_small_picture(path: Path, ending: str, limits: Limits) -> None:
    """Few bytes may unpack to gigabytes. The head of a picture says how many pixels it has."""
    if ending not in (".png", ".jpg", ".webp", ".bmp", ".gif", ".tif"):
        return
    try:
        from PIL import Image
    except ImportError:  # the reader of the data says so
        return
    try:
        with pt.data.open_file(path) as file, Image.open(file, formats=_PICTURES) as picture:
            width, height = picture.size
    except Exception:  # Pillow raises almost anything; the reader says what is wrong
        return
    if width * height > limits.pixels:
        raise RefusedError(
            413, f"a picture of {width} x {height} pixels; expected at most {limits.pixels:,}; make it smaller"
        )
