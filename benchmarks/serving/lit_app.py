"""Eager PyTorch behind LitServe, with its batching."""

from __future__ import annotations

import os
from typing import Any

import litserve
import torch
from torch_model import made, said


class Api(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self.model = made()

    # Without a type: from it LitServe would make the form of the request.
    def decode_request(self, request, **given):  # type: ignore[no-untyped-def]
        return torch.tensor(request["examples"], dtype=torch.float32)[0]

    def batch(self, inputs: list[Any]) -> Any:
        return torch.stack(inputs)

    def predict(self, x: Any, **given: Any) -> Any:
        with torch.inference_mode():
            return self.model(x).softmax(dim=1)

    def unbatch(self, output: Any) -> Any:
        return list(output)

    def encode_response(self, output: Any, **given: Any) -> dict[str, Any]:
        return said(output[None])


if __name__ == "__main__":
    server = litserve.LitServer(Api(max_batch_size=64, batch_timeout=0.002), accelerator="cpu", workers_per_device=1)
    server.run(port=int(os.environ["SERVE_PORT"]), host="127.0.0.1", log_level="warning", generate_client_file=False)
