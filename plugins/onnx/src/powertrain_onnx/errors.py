"""The error of this distribution."""

from __future__ import annotations

import powertrain as pt


class OnnxError(pt.Error):
    """A program that ONNX cannot say, or a file that this engine cannot run."""
