"""Write docs/names.md: what each name of the peers is called here.

Run it with the Python that has the package: python tools/make_names.py. The names come from
tests/support/peer_names.json, the answers from the package itself, and for names that it lacks from
powertrain/errors/counterparts.py.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import powertrain as pt
from powertrain.errors import counterparts, hints
from powertrain.errors.estimator_counterparts import FITTED
from powertrain.train.evaluate.predictions import Predictions
from powertrain.train.history import History

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "names.md"
SOURCE: Final = ROOT / "tests" / "support" / "peer_names.json"
PEERS: Final[dict[str, list[str]]] = json.loads(SOURCE.read_text(encoding="utf-8"))
HEAD: Final = """# Names of PyTorch, NumPy, Keras and JAX

What each public name is called here; `docs/from-pytorch.md` says what differs beside names. The errors for
these names say the same. Written by `tools/make_names.py`: change `powertrain/errors/counterparts.py`, not this page.
"""
# Where the names of a library are here.
HERE: Final = {
    "torch": "powertrain",
    "torch.nn": "powertrain.nn",
    "torch.nn.functional": "powertrain.nn.functional",
    "torch.optim": "powertrain.optim",
    "torch.Tensor": "Tensor",
    "numpy": "powertrain",
    "jax": "powertrain",
    "keras": "powertrain.nn",
}
CALLED: Final = {"powertrain": "pt", "Tensor": "a tensor"}
WIDTH: Final = 118


def has(where: str, name: str) -> bool:
    if where in FITTED:
        if importlib.util.find_spec("sklearn") is None:
            return False
        return name in dir(pt.sklearn.RandomForestClassifier if where == "_Grows" else pt.Classifier)
    classes = {
        "CompiledFunction": pt._core.CompiledFunction, "DType": pt.DType, "DataLoader": pt.data.DataLoader,
        "Generator": pt.random.Generator, "Module": pt.nn.Module, "Optimizer": pt.optim.Optimizer, "Slot": pt.Slot,
        "Tensor": pt.Tensor, "TrainedRun": pt.TrainedRun, "Predictions": Predictions, "EMA": pt.optim.EMA,
        "TensorDataset": pt.data.TensorDataset, "History": History,
    }  # fmt: skip
    holder: Any = classes.get(where) or importlib.import_module(where)
    return name in dir(holder)


def answer(library: str, name: str) -> tuple[str, str]:
    """("same", ""), ("line", what to write), ("family", which) or ("note", why), of a name of a library."""
    where = HERE[library]
    if has(where, name):
        return "same", ""
    line = hints.line(where, name)
    if line:
        return "line", line
    if name in counterparts.NOTES:
        return "note", counterparts.NOTES[name]
    family = hints.family(name)
    if family is None:
        raise SystemExit(
            f"[make_names] {library}.{name} has no counterpart; expected a row, a note or a family; add it to "
            "powertrain/errors/counterparts.py"
        )
    return "family", family


def names(found: Iterable[str]) -> list[str]:
    """Names in code, in lines."""
    lines, line = [], ""
    for name in found:
        word = f"`{name}`"
        if line and len(line) + len(word) + 2 > WIDTH:
            lines.append(line + ",")
            line = word
        else:
            line = f"{line}, {word}" if line else word
    return [*lines, f"{line}."] if line else lines


def section(library: str) -> list[str]:
    answers = {name: answer(library, name) for name in PEERS[library]}
    where = HERE[library]
    text = [f"## {library}", ""]
    same = [name for name, (kind, _) in answers.items() if kind == "same"]
    if same:
        text += [f"The same in `{CALLED.get(where, where.replace('powertrain', 'pt'))}`:", *names(same), ""]
    rows = [(name, what) for name, (kind, what) in answers.items() if kind in ("line", "note")]
    if rows:
        text += ["| there | here |", "| --- | --- |"]
        lines = {name for name, (kind, _) in answers.items() if kind == "line"}
        text += [f"| `{name}` | {f'`{what}`' if name in lines else what} |" for name, what in rows]
        text += [""]
    return text


def families() -> list[str]:
    """One row for each family that is out of scope, with the names of all libraries."""
    text = ["## Not here", "", "| family | what to do | names |", "| --- | --- | --- |"]
    for name, (_, said) in hints.FAMILIES.items():
        members = sorted(
            {one for library in PEERS for one in PEERS[library] if answer(library, one) == ("family", name)}
        )
        text += [f"| {name} | {said} | {', '.join(f'`{one}`' for one in members)} |"]
    return [*text, ""]


def page() -> str:
    parts = [line for library in PEERS for line in section(library)]
    return "\n".join([HEAD, *parts, *families()]).rstrip() + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
