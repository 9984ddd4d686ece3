"""A file of ONNX as plain data. It may come from a stranger: sizes are looked at before memory is asked for, and arrays
outside of it are taken from files beside it alone. Nothing in it is run as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from powertrain_onnx import files
from powertrain_onnx.errors import OnnxError

Array = NDArray[Any]
MOST_BYTES = 1 << 31  # of the file, which protobuf holds, and of each array beside it
MOST_NODES = 1 << 20
OPSETS = (7, 28)  # Before 7 shapes were broadcast by attributes.
# Before 13 these took all axes from `axis` on as one, which is the same of the last.
ROWS = frozenset({"Hardmax", "LogSoftmax", "Softmax"})


@dataclass(frozen=True)
class Node:
    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.op}{f' ({self.name})' if self.name else ''}"


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; a size that is not said is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Graph:
    name: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arrays: Mapping[str, Array]
    nodes: tuple[Node, ...]
    metadata: Mapping[str, str]


def read(path: Path) -> Graph:
    """The graph of a file."""
    raw = files.read(path, MOST_BYTES)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        raise OnnxError(
            f"[onnx] {path} is damaged, or is not an ONNX file ({error}); expected a whole one; export or download it "
            "again"
        ) from error
    return graph_of(model, path)


def graph_of(model: onnx.ModelProto, path: Path | None = None) -> Graph:
    """The graph of a model; `path` is where it was read, beside which its arrays may lie."""
    where = "[onnx]" if path is None else f"[onnx] {path}:"
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if not model.HasField("graph") or not OPSETS[0] <= version <= OPSETS[1]:
        raise OnnxError(
            f"{where} opset {version}; expected {OPSETS[0]} to {OPSETS[1]}; convert it: onnx.version_converter."
            f"convert_version(model, 18)"
        )
    graph = model.graph
    if len(graph.node) > MOST_NODES:
        raise OnnxError(f"{where} {len(graph.node):,} nodes; expected at most {MOST_NODES:,}; is it what was exported?")
    if graph.sparse_initializer:
        raise OnnxError(f"{where} it has sparse initializers; expected dense ones; export it without")
    try:
        arrays = {tensor.name: array_of(tensor, where, path) for tensor in graph.initializer}
        nodes = tuple(_node(node, where, path) for node in graph.node)
        _demand_last_axis(nodes, version, where)
        inputs = tuple(_port(one) for one in graph.input if one.name not in arrays)
        outputs = tuple(_port(one) for one in graph.output)
        metadata = {one.key: one.value for one in model.metadata_props}
    except OnnxError:
        raise
    except Exception as error:  # of NumPy's, protobuf's or onnx's: what a damaged message leads to is known to none
        raise OnnxError(
            f"{where} it is damaged ({error}); expected a whole model; export or download it again"
        ) from error
    found = Graph(graph.name, inputs, outputs, arrays, nodes, metadata)
    _demand_order(found, where)
    return found


def _demand_last_axis(nodes: Sequence[Node], version: int, where: str) -> None:
    for node in nodes:
        if version < 13 and node.op in ROWS and node.attributes.get("axis", 1) != -1:
            raise OnnxError(
                f"{where} {node} is of opset {version}, in which it joined axes; expected 13 or later, or axis = -1; "
                "convert it: onnx.version_converter.convert_version(model, 18)"
            )


def _demand_order(graph: Graph, where: str) -> None:
    """Every value is made once, before it is read."""
    known = {"", *graph.arrays, *(one.name for one in graph.inputs)}
    for node in graph.nodes:
        for name in node.inputs:
            if name not in known:
                raise OnnxError(
                    f"{where} {node} reads {name!r}, which nothing before it makes; expected nodes in an order in "
                    "which they can be run; export or download it again"
                )
        for name in node.outputs:
            if name and name in known:
                raise OnnxError(f"{where} {node} makes {name!r}, which is there already; expected a new name")
            known.add(name)
    for port in graph.outputs:
        if port.name not in known:
            raise OnnxError(f"{where} nothing makes the output {port.name!r}; expected a node that does")


def array_of(tensor: onnx.TensorProto, where: str, path: Path | None) -> Array:
    """The numbers of a tensor, here or in a file beside."""
    count = 1
    for size in tensor.dims:
        count *= size
        if size < 0 or count > MOST_BYTES:
            raise OnnxError(
                f"{where} {tensor.name!r} has the shape {list(tensor.dims)}; expected sizes that memory holds"
            )
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return np.array(numpy_helper.to_array(tensor))
    held = onnx.TensorProto()
    held.CopyFrom(tensor)
    held.raw_data = _beside(tensor, count, where, path)
    held.data_location = onnx.TensorProto.DEFAULT
    del held.external_data[:]
    return np.array(numpy_helper.to_array(held))


def _beside(tensor: onnx.TensorProto, count: int, where: str, path: Path | None) -> bytes:
    """The bytes of a tensor that lie in another file of the same folder."""
    said = {one.key: one.value for one in tensor.external_data}
    name = said.get("location", "")
    plain = name and PurePosixPath(name).name == name and "\\" not in name and name not in (".", "..")
    if path is None or not plain:
        raise OnnxError(
            f"{where} {tensor.name!r} lies in {name!r}; expected a file in the folder of the model, by its name alone; "
            "put it there, and correct its location"
        )
    offset, length = _number(said, "offset", 0), _number(said, "length", -1)
    wide = count * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    if length not in (-1, wide) or not 0 <= offset <= MOST_BYTES << 8:
        raise OnnxError(
            f"{where} {tensor.name!r} has {length} bytes at {offset} of {name}; expected {wide:,}, as its shape says"
        )
    raw = files.read_beside(path.parent, name, wide, offset)
    if len(raw) != wide:
        raise OnnxError(f"{where} {name} ends within {tensor.name!r}; expected {wide:,} bytes at {offset:,}")
    return raw


def _number(said: Mapping[str, str], key: str, otherwise: int) -> int:
    text = said.get(key, "")
    return int(text) if text.isdecimal() and len(text) < 20 else otherwise if not text else -2


def _node(node: onnx.NodeProto, where: str, path: Path | None) -> Node:
    label = f"{node.op_type} ({node.name})"
    if node.domain not in ("", "ai.onnx"):
        raise OnnxError(
            f"{where} {label} is an operator of {node.domain}; expected those of ONNX itself; export without it"
        )
    attributes = {}
    for one in node.attribute:
        if one.type == onnx.AttributeProto.TENSOR:
            attributes[one.name] = array_of(one.t, where, path)
            continue
        if one.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            raise OnnxError(
                f"{where} {label} has a graph of its own; expected nodes of tensors alone; export without it"
            )
        value = onnx.helper.get_attribute_value(one)
        attributes[one.name] = _plain(value)
    return Node(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, str)):
        return tuple(_plain(one) for one in value)
    return value


def _port(info: onnx.ValueInfoProto) -> Port:
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type"):
        raise OnnxError(
            f"[onnx] {info.name!r} is not a tensor; expected only tensors; export without sequences and maps"
        )
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).name if kind.elem_type else ""
    if not kind.HasField("shape"):
        return Port(info.name, dtype, None)
    shape = tuple(one.dim_value if one.HasField("dim_value") else None for one in kind.shape.dim)
    return Port(info.name, dtype, shape)
