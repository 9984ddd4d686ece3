"""Weights, settings and tokenizers as files hold them, checked against each other before any memory is taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from powertrain.data import DataError, read_bytes
from powertrain_text.blocks import bfloat16
from powertrain_text.gguf import Gguf
from powertrain_text.llama import Llama
from powertrain_text.tokenizer import Tokenizer, library

MOST_LAYERS = 1_000
# Names of ours, which are those of Hugging Face, as GGUF has them.
OUTER = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
INNER = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip
# How a GGUF file names the way a text is cut before pairs are merged, and whether digits stand alone there.
CUTS = {"gpt-2": False, "default": False, "smollm": True}
CONTROL = 3  # the type of a special token


@dataclass(frozen=True)
class Checkpoint:
    """What a file or folder holds; `read` gives a tensor in PyTorch's layout."""

    params: Llama.Params
    vocabulary: int
    context: int
    tokenizer: Tokenizer
    ends: tuple[int, ...]
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Any]


def shapes_of(params: Llama.Params, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Of every tensor of such a model, in PyTorch's layout."""
    width, inner, shared = params.width, params.inner, params.shared_heads * (params.width // params.heads)
    out = {"embed_tokens.weight": (vocabulary, width), "norm.weight": (width,)}
    if not params.tied:
        out["lm_head.weight"] = (vocabulary, width)
    sizes = ((width,), (width, width), (shared, width), (shared, width), (width, width), (width,),
             (inner, width), (inner, width), (width, inner))  # fmt: skip
    for layer in range(params.layers):
        out |= {f"layers.{layer}.{name}.weight": size for name, size in zip(INNER, sizes, strict=True)}
    return out


class Settings:
    """Settings of a model, each asked for by name and kind."""

    def __init__(self, where: str, given: Mapping[str, Any]) -> None:
        self.where, self.given = where, given

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        value = self.given.get(name)
        value = default if value is None else value
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            received = f"{name} = {str(value)[:60]}" if name in self.given else f"no {name}"
            self.refuse(received, f"expected a {kind.__name__}", "fetch the model again")
        return value

    def fixed(self, name: str, *allowed: Any) -> None:
        """A setting that has one meaning here, if it is there at all."""
        value = self.given.get(name)
        if value is not None and value not in allowed:
            words = " or ".join(map(str, allowed)) or "none"
            self.refuse(f"{name} = {str(value)[:60]}", f"expected {words}", "the engine cannot run this model")

    def refuse(self, received: str, expected: str, fix: str) -> NoReturn:
        raise DataError(self.where, received, expected, fix)

    def params(self, **settings: Any) -> Llama.Params:
        """Of numbers that are in range."""
        if not 1 <= settings["layers"] <= MOST_LAYERS or min(settings["heads"], settings["kv_heads"]) < 1:
            shown = ", ".join(f"{name} = {settings[name]}" for name in ("layers", "heads", "kv_heads"))
            self.refuse(shown, f"expected 1 to {MOST_LAYERS} layers, and heads", "fetch the model again")
        try:
            return Llama.Params(**settings)
        except ValueError as error:
            self.refuse(str(error), "expected sizes of a Llama", "fetch the model again")


def demand_shapes(where: str, wanted: Mapping[str, tuple[int, ...]], there: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in wanted.items():
        if there.get(name) != shape:
            received = f"{name} is {list(there[name])}" if name in there else f"no {name}"
            raise DataError(
                where, received, f"expected {list(shape)}", "the file does not fit its settings; fetch it again"
            )


# ------------------------------------------------------------ GGUF


def from_gguf(path: Path) -> Checkpoint:
    """The model of a GGUF file."""
    file = Gguf(path)
    where = f"gguf {path.name}"
    meta = Settings(where, file.meta)
    if (kind := meta.get("general.architecture", str)) != "llama":
        meta.refuse(f"general.architecture = {kind[:60]}", "expected llama", "the engine cannot run this model")
    meta.fixed("llama.rope.scaling.type", "none")
    heads = meta.get("llama.attention.head_count", int)
    width = meta.get("llama.embedding_length", int)
    params = meta.params(
        layers=meta.get("llama.block_count", int),
        heads=heads,
        kv_heads=meta.get("llama.attention.head_count_kv", int, heads),
        width=width,
        hidden=meta.get("llama.feed_forward_length", int),
        base=meta.get("llama.rope.freq_base", float, 10_000.0),
        eps=meta.get("llama.attention.layer_norm_rms_epsilon", float),
        tied="output.weight" not in file.tensors,
    )
    size = params.width // params.heads
    meta.fixed("llama.rope.dimension_count", size)
    words = meta.get("tokenizer.ggml.tokens", list)
    names = _gguf_names(params)
    shapes = shapes_of(params, len(words))
    demand_shapes(
        where, shapes, {name: file.tensors[other].shape for name, other in names.items() if other in file.tensors}
    )

    def read(name: str) -> Any:
        value = file.read(names[name])
        if ".q_proj." in name or ".k_proj." in name:
            # Rows lie for rotary pairs of neighbours; the model's pairs are half a head apart.
            value = value.reshape(-1, size // 2, 2, params.width).swapaxes(1, 2).reshape(value.shape)
        return value

    return Checkpoint(
        params, len(words), meta.get("llama.context_length", int), _gguf_tokenizer(meta, words),
        _gguf_ends(meta, len(words)), shapes, read,
    )  # fmt: skip


def _gguf_names(params: Llama.Params) -> dict[str, str]:
    out = {f"{ours}.weight": f"{theirs}.weight" for ours, theirs in OUTER.items()}
    for layer in range(params.layers):
        out |= {f"layers.{layer}.{ours}.weight": f"blk.{layer}.{theirs}.weight" for ours, theirs in INNER.items()}
    return out


def _gguf_ends(meta: Settings, words: int) -> tuple[int, ...]:
    end = meta.get("tokenizer.ggml.eos_token_id", int, -1)
    return (end,) if 0 <= end < words else ()


def _gguf_tokenizer(meta: Settings, words: list[Any]) -> Tokenizer:
    """Byte-level pairs, from the words and the merges that the file lists."""
    if (kind := meta.get("tokenizer.ggml.model", str)) != "gpt2":
        meta.refuse(f"tokenizer.ggml.model = {kind[:60]}", "expected gpt2, pairs of bytes", "convert another model")
    cut = meta.get("tokenizer.ggml.pre", str, "default")
    if cut not in CUTS:
        meta.refuse(f"tokenizer.ggml.pre = {cut[:60]}", f"expected one of {', '.join(CUTS)}", "convert another model")
    merges = meta.get("tokenizer.ggml.merges", list)
    types = meta.get("tokenizer.ggml.token_type", list, [1] * len(words))
    pairs = [tuple(str(merge).split(" ")) for merge in merges]
    numbers = {word: number for number, word in enumerate(words)}
    broken = any(len(pair) != 2 or not {*pair, "".join(pair)} <= numbers.keys() for pair in pairs)
    if broken or len(numbers) != len(words) or len(types) != len(words) or not all(isinstance(w, str) for w in words):
        meta.refuse(
            f"{len(words):,} words with {len(types):,} types and {len(merges):,} merges",
            "expected each word once, with a type, and merges of two of them", "fetch the model again",
        )  # fmt: skip
    parts = library()
    made = parts.Tokenizer(parts.models.BPE(vocab=numbers, merges=pairs))
    bytes_alone = parts.pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = parts.pre_tokenizers.Digits(individual_digits=True)
    made.pre_tokenizer = parts.pre_tokenizers.Sequence([digits, bytes_alone]) if CUTS[cut] else bytes_alone
    made.decoder = parts.decoders.ByteLevel()
    made.add_special_tokens([word for word, one in zip(words, types, strict=True) if one == CONTROL])
    return Tokenizer(made.to_str(), plain=True)


# ------------------------------------------------------------ folders of Hugging Face's


def from_folder(folder: Path) -> Checkpoint:
    """The model of a folder with config.json, safetensors and tokenizer.json."""
    where = f"model {folder.name}"
    config = Settings(where, json_of(folder / "config.json", where))
    if (kind := config.get("model_type", str)) != "llama":
        config.refuse(f"model_type = {kind[:60]}", "expected llama", "the engine cannot run this model")
    config.fixed("hidden_act", "silu")
    for name in ("attention_bias", "mlp_bias", "rope_scaling"):
        config.fixed(name, False)
    rope = Settings(where, config.get("rope_parameters", dict, {}))
    rope.fixed("rope_type", "default")
    heads, width = config.get("num_attention_heads", int), config.get("hidden_size", int)
    params = config.params(
        layers=config.get("num_hidden_layers", int),
        heads=heads,
        kv_heads=config.get("num_key_value_heads", int, heads),
        width=width,
        hidden=config.get("intermediate_size", int),
        base=config.get("rope_theta", float, rope.get("rope_theta", float, 10_000.0)),
        eps=config.get("rms_norm_eps", float),
        tied=config.get("tie_word_embeddings", bool, False),
    )
    config.fixed("head_dim", params.width // params.heads)
    vocabulary = config.get("vocab_size", int)
    tensors = stored_tensors(folder, where)
    shapes = shapes_of(params, vocabulary)
    demand_shapes(where, shapes, {name: shape for name, (_, shape, _) in tensors.items()})
    text = read_bytes(folder / "tokenizer.json", where).decode("utf-8", "replace")
    ends = config.given.get("eos_token_id")
    ends = ends if isinstance(ends, list) else [ends]
    return Checkpoint(
        params, vocabulary, config.get("max_position_embeddings", int), Tokenizer(text, plain=True),
        tuple(end for end in ends if type(end) is int and 0 <= end < vocabulary), shapes,
        lambda name: as_float32(*tensors[name]),
    )  # fmt: skip


def json_of(path: Path, where: str) -> dict[str, Any]:
    try:
        found = json.loads(read_bytes(path, where))
    except (ValueError, RecursionError) as error:
        raise DataError(where, f"{path.name}: {error}", "expected JSON", "fetch the file again") from None
    if not isinstance(found, dict):
        raise DataError(where, f"{path.name} with a {type(found).__name__}", "expected an object", "fetch it again")
    return found


def stored_tensors(folder: Path, where: str) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Dtype, shape and bytes of each tensor of model.safetensors, or of the files that its index names."""
    from safetensors import SafetensorError, deserialize

    index = folder / "model.safetensors.index.json"
    files = ["model.safetensors"]
    if index.is_file():
        listed = json_of(index, where).get("weight_map")
        files = sorted(set(map(str, listed.values()))) if isinstance(listed, dict) else []
        wrong = next((name for name in files if Path(name).name != name or name in (".", "..")), None)
        if wrong is not None or not files:
            raise DataError(
                where, f"an index of the files {str(wrong)[:60]}", "expected names of files beside it", "fetch it again"
            )
    out: dict[str, tuple[str, tuple[int, ...], bytes]] = {}
    for name in files:
        try:
            found = deserialize(read_bytes(folder / name, where))  # type: ignore[no-untyped-call]
        except SafetensorError as error:
            raise DataError(where, f"{name}: {error}", "expected a safetensors file", "fetch it again") from None
        for key, one in found:
            if one["dtype"] == "I64":  # numbers of places, which are no weights
                continue
            out[key.removeprefix("model.")] = (one["dtype"], tuple(one["shape"]), one["data"])
    for key, (dtype, _, _) in out.items():
        if dtype not in _DTYPES:
            raise DataError(where, f"{key[:60]} of {dtype}", f"expected {', '.join(_DTYPES)}", "convert the weights")
    return out


_DTYPES: dict[str, Callable[[bytes], Any]] = {
    "F32": lambda raw: np.frombuffer(raw, "<f4"),
    "F16": lambda raw: np.frombuffer(raw, "<f2").astype(np.float32),
    "BF16": bfloat16,
}


def as_float32(dtype: str, shape: tuple[int, ...], raw: bytes) -> Any:
    return _DTYPES[dtype](raw).reshape(shape)
