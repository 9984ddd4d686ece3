"""The run of the benchmark as an ONNX file, by ONNX Runtime behind FastAPI."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ["SERVE_THREADS"])
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["SERVE_ONNX"], options, providers=["CPUExecutionProvider"])
given = session.get_inputs()[0]
dtype: Any = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64}[given.type]
app = FastAPI()


class Body(BaseModel):
    examples: list[list[list[float]]]


@app.post("/predict")
def predict(body: Body) -> dict[str, Any]:
    scores = session.run(None, {given.name: np.array(body.examples, dtype)})[0]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return {"predictions": [{"label": str(int(row.argmax())), "probabilities": row.tolist()} for row in shares]}
