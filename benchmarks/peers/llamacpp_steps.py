"""SmolLM2 in llama.cpp, by its C interface: the same weights in a file of its own, in f32 or bf16, and one call for all
sequences of a batch."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType

from peers import smollm2
from powertrain_text.checkpoints import INNER, OUTER

VARIANTS = ("",)
VERSION = f"llama-cpp-python {llama_cpp.__version__}"
TYPES = {"f32": GGMLQuantizationType.F32, "bf16": GGMLQuantizationType.BF16}


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: Any) -> None: ...


llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))


def write(found: Any, path: Path, precision: str) -> None:
    """A GGUF file without a tokenizer. Vectors are in f32, as llama.cpp's own converter leaves them."""
    p = found.params
    size = p.width // p.heads
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(p.layers)
    writer.add_context_length(found.context)
    writer.add_embedding_length(p.width)
    writer.add_feed_forward_length(p.inner)
    writer.add_head_count(p.heads)
    writer.add_head_count_kv(p.shared_heads)
    writer.add_layer_norm_rms_eps(p.eps)
    writer.add_rope_freq_base(p.base)
    writer.add_rope_dimension_count(size)
    writer.add_vocab_size(found.vocabulary)
    writer.add_tokenizer_model("none")
    names = {f"{ours}.weight": f"{theirs}.weight" for ours, theirs in OUTER.items()}
    for layer in range(p.layers):
        names |= {f"layers.{layer}.{ours}.weight": f"blk.{layer}.{theirs}.weight" for ours, theirs in INNER.items()}
    for name in found.shapes:
        value = found.read(name)
        if (
            ".q_proj." in name or ".k_proj." in name
        ):  # its rotary pairs are neighbours, those of the others half a head apart
            value = value.reshape(-1, 2, size // 2, p.width).swapaxes(1, 2).reshape(value.shape)
        kind = TYPES[precision] if value.ndim == 2 else GGMLQuantizationType.F32
        writer.add_tensor(names[name], gguf.quantize(np.ascontiguousarray(value), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Decoder:
    def __init__(self, batch: int, precision: str) -> None:
        found = smollm2.checkpoint()
        self.batch, self.vocabulary = batch, found.vocabulary
        settings = llama_cpp.llama_model_default_params()
        settings.n_gpu_layers, settings.use_mmap = 0, False
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            write(found, path, precision)
            self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), settings)
        if self.model is None:
            raise RuntimeError("llama.cpp does not load the model")
        asked = llama_cpp.llama_context_default_params()
        asked.n_ctx = asked.n_batch = batch * smollm2.CONTEXT
        asked.n_seq_max = batch
        asked.n_threads = asked.n_threads_batch = len(os.sched_getaffinity(0))
        asked.type_k = asked.type_v = TYPES[precision].value
        if precision == "f32":  # its flash attention rounds to 16 bits
            asked.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = llama_cpp.llama_init_from_model(self.model, asked)
        if self.context is None:
            raise RuntimeError("llama.cpp makes no context")
        self.given = llama_cpp.llama_batch_init(batch * smollm2.CONTEXT, 0, 1)
        self.begin()

    def begin(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        self.held = 0

    def read(self, tokens: smollm2.Tokens) -> Any:
        batch, time = tokens.shape
        given = self.given
        given.n_tokens = batch * time
        for at, token in enumerate(tokens.ravel().tolist()):
            row, place = divmod(at, time)
            given.token[at], given.pos[at] = token, self.held + place
            given.n_seq_id[at], given.seq_id[at][0] = 1, row
            given.logits[at] = place == time - 1
        if llama_cpp.llama_decode(self.context, given) != 0:
            raise RuntimeError("llama.cpp does not decode the batch")
        self.held += time
        rows = (llama_cpp.llama_get_logits_ith(self.context, row * time + time - 1) for row in range(batch))
        return np.stack([np.ctypeslib.as_array(row, (self.vocabulary,)) for row in rows])


def generating(kind: str, batch: int, precision: str) -> Callable[[], Any]:
    return smollm2.timed(kind, batch, Decoder(batch, precision))


def wait(result: Any) -> None:
    """The scores are in NumPy."""
    assert isinstance(result, np.ndarray)
