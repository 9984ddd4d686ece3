"""Eager PyTorch behind BentoML."""

from __future__ import annotations

from typing import Any

import bentoml
import torch
from torch_model import made, said


@bentoml.service(workers=1)  # type: ignore[untyped-decorator]
class Digits:
    def __init__(self) -> None:
        self.model = made()

    @bentoml.api(route="/predict")  # type: ignore[untyped-decorator]
    def predict(self, examples: list[list[list[float]]]) -> dict[str, Any]:
        with torch.inference_mode():
            return said(self.model(torch.tensor(examples)).softmax(dim=1))
