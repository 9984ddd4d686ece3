"""ONNX files as modules of the engine."""
