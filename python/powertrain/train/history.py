"""What was measured while a run trained."""

from __future__ import annotations

from typing import SupportsIndex, overload

from powertrain.errors.boundary import export
from powertrain.io.console import one_line
from powertrain.plugin.wording import suggestion
from powertrain.train.folder.run_folder import RunError


class History(list[dict[str, float]]):
    """One row for each evaluation: step, epoch, and what was measured, by names such as `valid.loss`.

    A number gives a row and a name a column: `history[-1]`, `history["valid.loss"]`. `pandas.DataFrame(history)` is a
    table of it.
    """

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(dict.fromkeys(name for row in self for name in row))

    @overload
    def __getitem__(self, key: str) -> list[float]: ...
    @overload
    def __getitem__(self, key: SupportsIndex) -> dict[str, float]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, float]]: ...
    def __getitem__(self, key: str | SupportsIndex | slice) -> object:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self.names:
            known = self.names
            wanted = f"one of {', '.join(known)}" if known else "none, since nothing was evaluated"
            raise RunError(f"[history] received {one_line(key)}; expected {wanted}{_meant(key, known)}")
        return [row.get(key, float("nan")) for row in self]


def _meant(key: str, known: list[str]) -> str:
    """What to write: a column of that name in Keras' spelling, one that is nearly called so, or how to get it."""
    part, name = ("valid", key.removeprefix("val_")) if key.startswith("val_") else key.partition(".")[::2]
    ours = key if "." in key else f"{part}.{name}" if name else f"train.{key}"
    near = f"; did you mean {ours}?" if ours in known else suggestion(key, known)
    if part == "valid" and not any(one.startswith("valid.") for one in known):
        near = "; pass validation=0.2 to pt.fit, which holds examples out"
    return near or "; write run.history.names"


export(globals())
