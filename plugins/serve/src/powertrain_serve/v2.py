"""The Open Inference Protocol, version 2: `/v2/...`, with tensors in JSON or behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

import powertrain as pt
from powertrain_serve.answers import Answers
from powertrain_serve.bodies import Given, demand_json, parsed_json
from powertrain_serve.context import Context, context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model
from powertrain_serve.predict_api import answer
from powertrain_serve.rows import TEXT, columns_of
from powertrain_serve.service import Asking, Service
from powertrain_serve.tensors import NAMES, Tensor, read, to_bytes, to_json

HEADER = "inference-header-content-length"
PLATFORM = "powertrain"
_OF_COLUMN = {"number": "FP64", "category": "BYTES", "date": "BYTES"}
_KEYS = {"id", "parameters", "inputs", "outputs"}


@dataclass
class Asked(Given):
    id: str | None = None
    outputs: Mapping[str, bool] = field(default_factory=dict)  # those asked for, and whether as bytes


class V2Api:
    def __init__(self, service: Service) -> None:
        self.service = service

    async def server(self, request: Request) -> Response:
        extensions = ["binary_tensor_data", "model_repository"]
        return answer({"name": PLATFORM, "version": pt.__version__, "extensions": extensions})

    async def live(self, request: Request) -> Response:
        return answer({"live": True})

    async def ready(self, request: Request) -> Response:
        return answer({"ready": self.service.ready}, 200 if self.service.ready else 503)

    async def model(self, request: Request) -> Response:
        return answer(metadata(self._model(request), list(self._versions(request).models)))

    async def model_ready(self, request: Request) -> Response:
        model = self._model(request)
        return answer({"name": model.name, "ready": self.service.ready}, 200 if self.service.ready else 503)

    async def index(self, request: Request) -> Response:
        """The models of the repository; all that are here are ready."""
        models = self.service.loader.table.models()
        return answer([{"name": one.name, "version": one.version, "state": "READY", "reason": ""} for one in models])

    async def load(self, request: Request) -> Response:
        """Read the models file again. The body says nothing: where runs lie is in the file alone."""
        name = request.path_params["name"]
        try:
            # In a thread apart from the readers: bodies must not wait for a model that is being loaded.
            await asyncio.to_thread(self.service.reload)
        except (pt.Error, OSError):
            raise RefusedError(
                400, "the models could not be loaded; expected a file that can be used; see the log"
            ) from None
        self.service.versions(name)
        return answer({"name": name, "state": "READY"})

    async def infer(self, request: Request) -> Response:
        return await self.service.respond(request, self.asking(context_of(request), request.path_params))

    def asking(self, context: Context, path: Mapping[str, str]) -> Asking:
        given = context.headers.get(HEADER.encode())
        header = None if given is None else given.decode("latin-1")
        if header is None:
            demand_json(context.content_type, f", or {HEADER}")
        limits = self.service.settings.limits

        def parsed(model: Model, body: bytes) -> Asked:
            return asked(model, body, header, limits.rows)

        return Asking(path["name"], path.get("version"), parsed, answered)

    def _versions(self, request: Request) -> Any:
        return self.service.versions(request.path_params["name"])

    def _model(self, request: Request) -> Model:
        versions = self._versions(request)
        return versions.choose(request.path_params.get("version") or versions.live)


def metadata(model: Model, versions: list[str]) -> dict[str, Any]:
    """What a model takes and gives."""
    return {
        "name": model.name, "versions": versions, "platform": PLATFORM,
        "inputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in inputs_of(model)],
        "outputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in outputs_of(model)],
    }  # fmt: skip


def inputs_of(model: Model) -> list[tuple[str, str, list[int]]]:
    if model.writes or model.takes == TEXT:
        return [("text", "BYTES", [-1])]
    if model.takes:
        return [(name, _OF_COLUMN[kind], [-1]) for name, kind in model.takes.items()]
    return [("x", NAMES[np.dtype(model.dtype)], [-1, *model.shape])]


def outputs_of(model: Model) -> list[tuple[str, str, list[int]]]:
    if model.writes:
        return [("text", "BYTES", [-1])]
    shape = [-1, *(model.output_shape or ())]
    found = [("output", "FP32", shape)]
    return [*found, ("probabilities", "FP64", shape), ("label", "BYTES", [-1])] if model.labels else found


def asked(model: Model, body: bytes, header: str | None, most: int) -> Asked:
    """A request, checked."""
    text, binary = _parts(body, header)
    found = parsed_json(text)
    if not isinstance(found, dict) or set(found) - _KEYS or not isinstance(found.get("inputs"), list):
        raise RefusedError(400, f"JSON of another form; expected {', '.join(sorted(_KEYS))}; see /docs")
    name = found.get("id")
    if name is not None and not (isinstance(name, str) and len(name) <= 256):
        raise RefusedError(400, "an id that is not a short text; expected up to 256 characters; shorten it")
    tensors: dict[str, Tensor] = {}
    for entry in found["inputs"]:
        tensor, binary = read(entry, binary)
        if tensor.name in tensors:
            raise RefusedError(400, f"the input {tensor.name[:80]!r} twice; expected each input once; leave one out")
        tensors[tensor.name] = tensor
    if len(binary):
        raise RefusedError(400, f"{len(binary)} bytes that are of no input; expected none; correct binary_data_size")
    given = _given(model, tensors, most)
    return Asked(given.examples, given.columns, name, _wanted(model, found))


def _parts(body: bytes, header: str | None) -> tuple[bytes, memoryview]:
    """The JSON, and the bytes behind it."""
    if header is None:
        return body, memoryview(b"")
    if not (header.isascii() and header.isdigit() and len(header) < 16 and int(header) <= len(body)):
        raise RefusedError(
            400, f"{HEADER} of {header[:40]!r}; expected at most the body's {len(body)} bytes; correct it"
        )
    return body[: int(header)], memoryview(body)[int(header) :]


def _given(model: Model, tensors: Mapping[str, Tensor], most: int) -> Given:
    expected = {name: datatype for name, datatype, _ in inputs_of(model)}
    if set(tensors) != set(expected):
        shown = ", ".join(list(expected)[:20])
        raise RefusedError(400, f"inputs {', '.join(tensors)[:200] or 'none'}; expected {shown}; name these")
    counts = {len(one.values) if one.values.ndim else 0 for one in tensors.values()}
    if len(counts) != 1 or counts == {0}:
        raise RefusedError(
            400, "inputs of different lengths, or empty ones; expected the same number of examples in each; pad them"
        )
    if max(counts) > most:
        raise RefusedError(413, f"{max(counts):,} examples; expected at most {most:,}; send them in several requests")
    for name, datatype in expected.items():
        _demand_datatype(tensors[name], datatype)
    try:
        return _made(model, tensors)
    except RefusedError:
        raise
    except pt.Error as error:
        raise RefusedError(400, str(error)) from None


def _demand_datatype(tensor: Tensor, wanted: str) -> None:
    """Refuse elements that do not fit. Floats of another width are rounded, as JSON's are."""
    if (tensor.datatype == "BYTES") != (wanted == "BYTES") or (
        wanted != "BYTES" and not _fits(tensor.datatype, wanted)
    ):
        raise RefusedError(400, f"{tensor.name[:80]!r} of {tensor.datatype}; expected {wanted}; convert it")


def _fits(datatype: str, wanted: str) -> bool:
    return datatype == wanted or wanted.startswith("FP") or ("INT" in datatype and "INT" in wanted)


def _made(model: Model, tensors: Mapping[str, Tensor]) -> Given:
    if model.writes:
        texts = tensors["text"].values.ravel().tolist()
        if len(texts) != 1:
            raise RefusedError(400, f"{len(texts)} texts; expected one; send one at a time")
        return Given(texts[0])
    if not model.takes:
        return Given(model.examples(tensors["x"].values))
    if model.takes == TEXT:
        return Given(model.examples(tensors["text"].values.ravel().tolist()))
    columns = {name: _column(tensor) for name, tensor in tensors.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    checked = columns_of(rows, model.takes)
    return Given(model.examples(checked), checked)


def _column(tensor: Tensor) -> list[Any]:
    """One value for each example. NaN and an empty text are gaps."""
    if tensor.values.size != len(tensor.values):
        shape = list(tensor.values.shape)
        raise RefusedError(
            400, f"{tensor.name[:80]!r} of shape {shape}; expected [{len(tensor.values)}]; give one value a row"
        )
    values = tensor.values.ravel().tolist()
    return [None if value == "" or value != value else value for value in values]


def _wanted(model: Model, found: Mapping[str, Any]) -> dict[str, bool]:
    """The outputs that are asked for, and whether as bytes; all of them where none is named."""
    known = [name for name, _, _ in outputs_of(model)]
    binary = _flag(found, "binary_data_output")
    entries = found.get("outputs")
    if entries is None or entries == []:
        return dict.fromkeys(known, binary)
    if not isinstance(entries, list) or not all(isinstance(one, dict) and one.get("name") in known for one in entries):
        raise RefusedError(400, f"outputs of another form; expected names out of {', '.join(known)}; name these")
    return {entry["name"]: _flag(entry, "binary_data", binary) for entry in entries}


def _flag(found: Mapping[str, Any], name: str, usual: bool = False) -> bool:
    parameters = found.get("parameters", {})
    value = parameters.get(name, usual) if isinstance(parameters, dict) else None
    if type(value) is not bool:
        raise RefusedError(400, f"parameters.{name} is not a boolean; expected true or false; leave it out")
    return value


def answered(model: Model, found: Asked, answers: Answers) -> Response:
    entries: list[dict[str, Any]] = []
    contents: list[bytes] = []
    for name, as_bytes in found.outputs.items():
        tensor = _output(name, answers)
        if as_bytes:
            entry, content = to_bytes(tensor)
            contents.append(content)
        else:
            entry = to_json(tensor)
        entries.append(entry)
    said: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "outputs": entries}
    if found.id is not None:
        said["id"] = found.id
    if not contents:
        return answer(said)
    head = json.dumps(said, allow_nan=False).encode()
    headers = {HEADER: str(len(head))}
    return Response(b"".join([head, *contents]), headers=headers, media_type="application/octet-stream")


def _output(name: str, answers: Answers) -> Tensor:
    if name in ("text", "label"):
        texts = answers.texts if name == "text" else answers.labels
        values = np.empty(len(texts), dtype=object)
        values[:] = texts
        return Tensor(name, "BYTES", values)
    if name == "probabilities":
        return Tensor(name, "FP64", answers.probabilities)
    return Tensor(name, "FP32", answers.outputs.astype(np.float32, copy=False))
