"""Small runs that are trained once, and a server for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt

pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")

from powertrain_serve import Limits, Settings, running


def trained(folder: Path, seed: int) -> Path:
    """A run on images [8, 8] of floats, which has ten classes."""
    noise = np.random.default_rng(0)
    y = np.arange(200) % 10
    np.savez(folder / "images.npz", x=(noise.uniform(0, 16, (200, 8, 8)) + y[:, None, None]).astype("float32"), y=y)
    recipe: dict[str, Any] = {
        "data": {"use": "arrays", "path": str(folder / "images.npz")}, "model": {"use": "cnn", "channels": [4]},
        "optimizer": {"use": "adamw", "lr": 3e-3}, "features": [{"use": "scale", "by": 0.0625}, "channel"],
        "run": {"until": "20 steps", "batch_size": 32, "seed": seed}, "report": {"baseline": False},
    }  # fmt: skip
    pt.fit(recipe, folder=folder / "run", verbose=False)
    return folder / "run"


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("serve"), 1).rename(tmp_path_factory.mktemp("serve") / "digits-1")


@pytest.fixture(scope="session")
def other_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same recipe with other weights."""
    return trained(tmp_path_factory.mktemp("serve"), 2)


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with numbers, texts and dates."""
    pytest.importorskip("pyarrow", reason="pyarrow reads tables")
    pytest.importorskip("powertrain_tabular", reason="the table is powertrain-tabular's")
    base = tmp_path_factory.mktemp("serve")
    noise = np.random.default_rng(0)
    lines = ["age,city,since,bought"]
    for row in range(120):
        age = "" if row % 17 == 3 else str(20 + row % 50)
        lines.append(
            f"{age},{('Bonn', 'Ulm')[row % 2]},2024-01-{1 + row % 28:02},{'yes' if noise.random() < 0.5 else 'no'}"
        )
    (base / "customers.csv").write_text("\n".join(lines) + "\n")
    recipe: dict[str, Any] = {
        "data": {"use": "table", "path": str(base / "customers.csv"), "target": "bought",
                 "split": {"by": "stratify", "valid": 0.2, "test": 0.2}},
        "model": {"use": "mlp", "hidden": [8]}, "optimizer": {"use": "adamw", "lr": 3e-3},
        "run": {"until": "1 epochs", "batch_size": 16},
    }  # fmt: skip
    pt.fit(recipe, folder=base / "customers-1", verbose=False)
    return base / "customers-1"


@pytest.fixture(scope="session")
def player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy for a pole on a cart."""
    pytest.importorskip("powertrain_rl", reason="the environment is powertrain-rl's")
    folder = tmp_path_factory.mktemp("serve") / "player-1"
    pt.fit("dqn-cartpole", run={"until": "200 env_steps"}, folder=folder, verbose=False)
    return folder


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of letters."""
    base = tmp_path_factory.mktemp("serve")
    (base / "book.txt").write_text("The engine turns and the wheel goes round. " * 200)
    recipe = {
        "data": {"use": "text", "path": str(base / "book.txt"), "context": 16},
        "model": {"use": "gpt", "layers": 1, "width": 16, "heads": 2},
        "optimizer": {"use": "sgd", "lr": 0.1}, "run": {"until": "3 steps", "batch_size": 4},
    }  # fmt: skip
    pt.fit(recipe, folder=base / "book-1", verbose=False)
    return base / "book-1"


@pytest.fixture(scope="session")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model for chats in the form of Hugging Face's, with random weights and a token for each byte."""
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    pytest.importorskip("powertrain_text", reason="the model is powertrain-text's")
    from safetensors.numpy import save_file

    from powertrain_text.llama import Llama

    folder = tmp_path_factory.mktemp("serve") / "chatty"
    folder.mkdir()
    words = ["<|end|>", "<|im_start|>", "<|im_end|>", *sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())]
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(words[:3])
    made.save(str(folder / "tokenizer.json"))
    pt.random.seed(1)
    model = Llama(len(words), 256, Llama.Params(layers=1, heads=2, kv_heads=1, width=16, hidden=32))
    weights = {f"model.{name}": 6 * np.asarray(value) for name, value in model.state_dict(layout="torch").items()}
    save_file(weights, folder / "model.safetensors")
    config = {
        "model_type": "llama", "num_attention_heads": 2, "num_key_value_heads": 1, "hidden_size": 16,
        "num_hidden_layers": 1, "intermediate_size": 32, "rms_norm_eps": model.params.eps, "vocab_size": len(words),
        "rope_theta": model.params.base, "max_position_embeddings": 256, "tie_word_embeddings": model.params.tied,
        "eos_token_id": 2,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def served(digits: Path) -> Iterator[str]:
    """The address of a server with small limits."""
    limits = Limits(
        body=1 << 20, rows=256, pixels=1_000_000, connections=64, seconds=5, header_seconds=1, idle_seconds=2, batch=32
    )
    with running({"digits": digits}, Settings(port=0, limits=limits)) as address:
        yield address


@pytest.fixture(scope="session")
def images() -> Any:
    return np.random.default_rng(3).uniform(0, 16, (40, 8, 8)).round().astype("float32")
