"""A trained run in another place, without its data: it predicts as before, explains itself and is exported, or says why
not. What each recipe comes to is a row of docs/exports.md.

    python leaving.py RUN ASKED.npy FOLDER

does all that in a process that knows no data, and prints what came of it as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMS = ("onnx", "safetensors", "c", "wheel")
EXPLAINED = ("gradients", "attention", "occlusion")
BARE = "without transforms"
ASKED = 32
SECONDS = 900
# Why something cannot be, as the page says it, and the words of the error.
REASONS = {
    "NumPy": r"computes its answers with NumPy, which a trace does not see|another library computes the outputs of",
    "no module": r"does not predict with one module that has weights",
    "no attention": r"the model has no attention",
    "tokens": r"the model reads int64\[[\d, ]+\], which has no gradient",
    "no parts": r"of which a part can be hidden|the answers are \[|the run keeps no examples|makes no tokens of texts",
    "transform": r"the transform \w+ cannot be traced",
    "too large": r"numbers; expected at most [\d,]+",
    "a loop": r"there is no rule for scan|the answers are made in a loop",
}
OF_KIND = {"number": 1.0, "category": "a", "date": "2024-05-31"}  # of a table's columns


def asked(run: Any) -> NDArray[Any]:
    """Some examples of the part that a run is judged by, as the data has them; drawn ones of an environment."""
    from powertrain.data import evenly_spaced, untransformed
    from powertrain.train.export.comparing import drawn

    if run.dataset.kind.plays:
        return drawn(run)[:ASKED]
    source: Any = untransformed(run.dataset.splits[run.dataset.judged_part])
    return np.asarray(source.fetch(evenly_spaced(len(source), ASKED))["x"])


def moved(run: Path, away: Path, asked: NDArray[Any], before: NDArray[Any]) -> dict[str, str]:
    """Move a run to the folder `away`, remove all that was beside it, and see in a process without the data what it can
    do there: by verb "yes", or what was said instead."""
    away.mkdir()
    shutil.move(run, away / "run")
    shutil.rmtree(run.parent)
    np.save(away / "asked.npy", asked)
    (away / "home").mkdir()
    said = _child([__file__, "run", "asked.npy", "."], away)
    np.testing.assert_array_equal(np.load(away / "outputs.npy"), before)
    found: dict[str, str] = json.loads(said.splitlines()[-1])
    measured = found.pop("evaluate")
    assert measured == "yes" or re.match(r"\[.*\] .*; expected ", measured), measured
    for form, answers in ANSWERS.items():
        if found[form] == "yes":
            near(form, answers(away, asked), before)
    return found


def reason(text: str) -> str:
    """The page's word for what was said; an error that has none is a fault."""
    if text in ("yes", BARE):
        return text
    return next((word for word, told in REASONS.items() if re.search(told, text)), text)


def near(form: str, got: NDArray[Any], want: NDArray[Any]) -> None:
    """The exporter compared them by rounding; this finds what it compared wrongly."""
    size = np.abs(want).max()
    assert got.shape == want.shape, form
    assert (np.abs(got - want) <= 1e-3 * size).all(), f"{form}: {np.abs(got - want).max() / size:.3g} of the largest"


def row(recipe: str, found: Mapping[str, str]) -> str:
    """The line of the page."""
    said = {verb: reason(text) for verb, text in found.items()}
    *nearer, last = EXPLAINED  # which is named where there is no other
    methods = [method for method in nearer if said[method] == "yes"] or [last] * (said[last] == "yes")
    explains = ", ".join(methods) or said[EXPLAINED[0]]
    return f"| `{recipe}` | {' | '.join([explains, *(said[form] for form in FORMS)])} |"


# ---------------------------------------------------------------- what others make of what was written


def _of_onnx(away: Path, asked: NDArray[Any]) -> NDArray[Any]:
    import onnx
    import onnxruntime

    path = away / "model.onnx"
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: asked})[0])


TORCH = """
import sys
sys.modules["powertrain"] = None
sys.path.insert(0, "torch")
import numpy as np
from model import predict
np.save("torch.npy", predict(np.load("asked.npy")))
"""
INSTALLED = """
import sys
sys.path.insert(0, "installed")
import numpy as np
from run import predict
np.save("installed.npy", np.asarray(predict(np.load("asked.npy"), checked=True).outputs))
"""


def _of_torch(away: Path, asked: NDArray[Any]) -> NDArray[Any]:
    _child(["-c", TORCH], away)
    return np.load(away / "torch.npy")


def _of_wheel(away: Path, asked: NDArray[Any]) -> NDArray[Any]:
    (wheel,) = away.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(away / "installed")
    _child(["-c", INSTALLED], away)
    return np.load(away / "installed.npy")


ANSWERS: dict[str, Callable[[Path, NDArray[Any]], NDArray[Any]]] = {
    "onnx": _of_onnx, "safetensors": _of_torch, "wheel": _of_wheel,
}  # fmt: skip


def _child(arguments: list[str], folder: Path) -> str:
    """A Python process in `folder` that knows no data set but those in packages."""
    from running import environment

    around = environment(HOME=str(folder / "home"))
    around.pop("POWERTRAIN_DATA", None)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=around, capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---------------------------------------------------------------- in the process without the data


def _attempt(verb: Callable[[], Any]) -> str:
    """ "yes", what is lacking in PyTorch's code, or the engine's own error; any other is a fault."""
    import powertrain as pt

    try:
        note = getattr(verb(), "note", "")
    except pt.Error as error:
        return str(error)
    return BARE if note.startswith("model.py begins behind the transforms") else "yes"


def tried(run: Any, x: NDArray[Any], out: Path) -> dict[str, str]:
    """What becomes of each way to explain a run, and to export it into a folder."""
    dataset = run.run.dataset
    some = x[:4] if dataset.raw is None else {name: [OF_KIND[kind]] * 4 for name, kind in dataset.takes.items()}
    found = {method: _attempt(lambda method=method: run.explain(some, method=method)) for method in EXPLAINED}
    names = {"onnx": "model.onnx", "safetensors": "torch", "c": "model.h", "wheel": "."}
    for form in FORMS:
        found[form] = _attempt(lambda form=form: run.export(form, out / names[form]))
    return found


def _main() -> None:
    import powertrain as pt
    from powertrain.cli import main

    folder, asked, out = map(Path, sys.argv[1:])
    run, x = pt.load(folder), np.load(asked)
    np.save(out / "outputs.npy", run.predict(x, checked=True).outputs)
    if run.run.recipe.strategy.name == "next_token":
        assert len(run.generate("\n", 20)) > 0
    elif not run.run.dataset.kind.tokens and run.run.dataset.raw is None:  # whose files have columns
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert main(["predict", str(folder), str(asked), "--json"]) == 0
        assert said.getvalue().count("\n") == len(x)
    print(json.dumps({"evaluate": _attempt(run.evaluate), **tried(run, x, out)}))


if __name__ == "__main__":
    _main()
