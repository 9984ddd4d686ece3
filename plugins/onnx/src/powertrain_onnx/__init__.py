"""ONNX for powertrain: modules and trained runs as ONNX files, and ONNX files as modules that train on."""

from powertrain_onnx.errors import OnnxError
from powertrain_onnx.export import export
from powertrain_onnx.loading import load, supported
from powertrain_onnx.reading.module import OnnxModule

__all__ = ["OnnxError", "OnnxModule", "export", "load", "supported"]
