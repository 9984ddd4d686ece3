"""A run of a language model goes on with texts: in Python, after it was opened again, and by the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError
from running import run as powertrain

TEXT = "the cat sat on the mat. the dog sat on the log. " * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that writes what it read."""
    place = tmp_path_factory.mktemp("writing")
    (place / "text.txt").write_text(TEXT)
    data = {"use": "text", "path": str(place / "text.txt"), "context": 32, "valid": 0.1}
    gpt = {"use": "gpt", "layers": 1, "heads": 2, "width": 32}
    pt.fit(model=gpt, data=data, steps=200, batch_size=16, lr=1e-2, verbose=False, folder=place / "run")
    return place


def test_a_run_writes_what_it_learned_and_the_same_when_opened_again(folder: Path) -> None:
    run = pt.load(folder / "run")
    letters = run.run.dataset.vocabulary
    assert letters is not None
    held = letters.encode("the cat ").tolist()
    for _ in range(20):  # within the context, without a cache
        held.append(int(run.model(pt.tensor([held])).numpy()[0, -1].argmax()))
    assert run.generate("the cat ", 20, temperature=0) == letters.decode(np.array(held[8:]))
    found = run.generate("the ", 80, seed=3, top_k=5)
    assert len(found) == 80 and found != run.generate("the ", 80, seed=4, top_k=5)
    assert pt.load(folder / "run").generate("the ", 80, seed=3, top_k=5) == found
    assert "".join(piece.text for piece in run.stream("the ", 80, seed=3, top_k=5)) == found
    whole = run.generate("the dog", 60, temperature=0)
    assert run.generate("the dog", 60, temperature=0, stop=whole[20:24]) == whole[: whole.find(whole[20:24])]
    drawn = pt.random.default_generator().slot.numpy().copy()
    run.generate("the ", 5)
    assert (pt.random.default_generator().slot.numpy() == drawn).all()


def test_the_command_shows_prompt_and_text(folder: Path) -> None:
    wanted = pt.load(folder / "run").generate("the ", 30, temperature=0.5, top_p=0.9, seed=2)
    settings = ["--max-new-tokens", "30", "--temperature", "0.5", "--top-p", "0.9", "--seed", "2"]
    assert powertrain(["generate", "run", "the ", *settings], folder).stdout == f"the {wanted}\n"
    told = json.loads(powertrain(["generate", "run", "the ", *settings, "--json"], folder).stdout)
    assert told == {"prompt": "the ", "text": wanted}
    whole = pt.load(folder / "run").generate("the dog", 60, temperature=0)
    stopped = powertrain(["generate", "run", "the dog", "--temperature", "0", "--stop", whole[20:24]], folder).stdout
    assert stopped == f"the dog{whole[: whole.find(whole[20:24])]}\n"
    said = powertrain(["generate", "run", "the ", "--top-p", "2"], folder, expect=2).stderr
    assert said.startswith("[generate] top_p = 2.0; expected a finite number >= 0 and <= 1")


def test_what_is_no_language_model_is_told_the_way(folder: Path) -> None:
    said = powertrain(["predict", "run", "text.txt"], folder, expect=2).stderr
    assert said.startswith(
        "[predict] run is the run of a language model; expected one that gives a prediction for each example; "
    )
    assert "powertrain generate run TEXT" in said
    x, y = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    other = pt.fit(model=pt.nn.Linear(3, 2), data=(x, y), epochs=1, verbose=False, folder=folder / "other")
    with pytest.raises(
        RunError, match=r"\[generate\] .* is a run of the task classification; expected a language model"
    ):
        other.generate("a")
