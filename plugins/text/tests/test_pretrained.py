"""Pretrained language models in recipes: the data with their tokenizer, adapters beside them, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf_files import gguf
from test_llama import PARAMS, llama, settings, stored, words_of_file

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Inputs, ModelError
from powertrain_text.data import TextFiles
from powertrain_text.pretrained import PretrainedLlama

pytest.importorskip("tokenizers", reason="tokenizers is not installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small.gguf and a text."""
    folder = tmp_path_factory.mktemp("pretrained")
    model = llama(words=len(words_of_file()))
    (folder / "small.gguf").write_bytes(gguf(settings(PARAMS, words_of_file()), stored(model)))
    (folder / "text.txt").write_text("then the other one came, and another; <|end|> " * 40)
    return folder


def tables(home: Path, **model: Any) -> dict[str, Any]:
    return {
        "data": {"use": "text-files", "path": str(home / "text.txt"), "tokenizer": str(home / "small.gguf"),
                 "context": 16, "valid": 0.2},
        "model": {"use": "pretrained-llama", "path": str(home / "small.gguf"), **model},
        "strategy": {"use": "next_token", "sample": 8},
        "optimizer": {"use": "adamw", "lr": 1e-2}, "run": {"until": "12 steps", "batch_size": 4, "save_seconds": 0},
        "report": {"baseline": False}, "evaluate": {"most": 50},
    }  # fmt: skip


def test_the_data_have_the_tokenizer_of_the_model(home: Path) -> None:
    params = TextFiles.Params(path=Path("text.txt"), tokenizer="small.gguf", context=16, valid=0.2)
    data = TextFiles.build(params, home)
    assert data.outputs == len(words_of_file()) and data.vocabulary is not None
    again = TextFiles.reopen(params, data)
    for one in (data, again):  # what looks like a special token is text, after a reopening too
        assert 0 not in one.vocabulary.encode("<|end|>").tolist()
    with pytest.raises(DataError, match=r"\[tokenizer\] there is no gone.gguf; expected smollm2, minilm, a .gguf file"):
        TextFiles.build(TextFiles.Params(path=Path("text.txt"), tokenizer="gone.gguf"), home)


def test_other_data_than_the_models_are_refused(home: Path) -> None:
    params = PretrainedLlama.Params(path=str(home / "small.gguf"))
    words = len(words_of_file())
    with pytest.raises(ModelError, match=rf"data with 50 tokens; expected {words}, as .* give the data its tokenizer"):
        PretrainedLlama.build(params, Inputs("language", (16,), 50, context=16))
    with pytest.raises(ModelError, match=r"data with a context of 129; expected at most 128"):
        PretrainedLlama.build(params, Inputs("language", (129,), words, context=129))
    with pytest.raises(ModelError, match=r"\[pretrained-llama\] .*language"):
        PretrainedLlama.build(params, Inputs("classification", (8,), 3))


@pytest.mark.parametrize("bits", [None, 8])
def test_adapters_learn_a_text_and_the_base_stays(home: Path, tmp_path: Path, bits: int | None) -> None:
    adapters = {"rank": 4, "targets": ["*.q_proj", "*.v_proj"], **({"bits": bits} if bits else {})}
    given = tables(home, adapters=adapters)
    run = pt.fit(given, folder=tmp_path / "run", verbose=False)
    losses = run.history["valid.loss"]
    assert losses[-1] < losses[0]
    trains = [name for name, slot in run.model.named_parameters() if slot.trainable]
    assert trains and all(name.endswith(("lora_a", "lora_b")) for name in trains)
    base = pt.nn.adapters.remove(run.model.clone())
    if bits is None:
        begun = llama(words=len(words_of_file())).state_dict()
        for name, value in base.state_dict().items():
            np.testing.assert_array_equal(value, begun[name])
    again = pt.load(tmp_path / "run")
    assert again.generate("then", 5, temperature=0.0) == run.generate("then", 5, temperature=0.0)
    # Stopped half way and resumed: the same bits.
    half = {**given, "run": {**given["run"], "until": "6 steps"}}
    pt.fit(half, folder=tmp_path / "parts", verbose=False)
    resumed = pt.fit(given, folder=tmp_path / "parts", resume=True, verbose=False)
    assert resumed.results["hash"] == run.results["hash"]
