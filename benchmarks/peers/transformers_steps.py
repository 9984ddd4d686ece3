"""SmolLM2 in transformers, on PyTorch, as its users run it: a cache, no gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from peers import smollm2

VARIANTS = ("",)
VERSION = f"transformers {transformers.__version__}, torch {torch.__version__}"


class Decoder:
    def __init__(self, precision: str) -> None:
        found = smollm2.checkpoint()
        config = LlamaConfig(**smollm2.huggingface(found))
        with torch.device("meta"):
            self.model = LlamaForCausalLM(config)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        weights = {f"model.{name}": torch.from_numpy(found.read(name)).to(dtype) for name in found.shapes}
        self.model.load_state_dict(weights, strict=False, assign=True)
        self.model.tie_weights()
        # What is no weight was not made on the meta device.
        self.model.model.rotary_emb = type(self.model.model.rotary_emb)(config)
        self.model.eval()
        self.begin()

    def begin(self) -> None:
        self.cache = DynamicCache()

    @torch.inference_mode()
    def read(self, tokens: smollm2.Tokens) -> Any:
        out = self.model(torch.from_numpy(tokens), past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        return out.logits[:, -1].float().numpy()


def generating(kind: str, batch: int, precision: str) -> Callable[[], Any]:
    return smollm2.timed(kind, batch, Decoder(precision))


def wait(result: Any) -> None:
    """The scores are in NumPy."""
    assert isinstance(result, np.ndarray)
