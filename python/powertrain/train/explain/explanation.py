"""What explanations share: a picture of them, as a file or in a notebook, and the names of outputs and columns."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.boundary import export
from powertrain.io.files import Files
from powertrain.plugin.wording import suggestion
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array

FORMATS = (".svg", ".png", ".pdf")
SHOWN = 8  # examples of a picture


class Explanation(ABC):
    """Why a run answers as it does, as arrays and as a picture. `save()` writes it; a notebook shows it by itself.

    Pictures are drawn by matplotlib: pip install "powertrain[cli]".
    """

    method: str
    folder: Path  # of the run, where `save` puts what is given no path

    @abstractmethod
    def draw(self, figure: Figure) -> None:
        """Draw it on an empty figure of matplotlib."""

    def save(self, path: str | Path | None = None) -> Path:
        """Write the picture as an .svg, a .png or a .pdf, whole or not at all, and return its path: without one,
        `explain-METHOD.svg` in the folder of the run."""
        target = self.folder / f"explain-{self.method}.svg" if path is None else Path(path)
        if target.suffix.lower() not in FORMATS:
            raise RunError(
                f"[explanation.save] received {target.name}; expected a name that ends in {', '.join(FORMATS)}; rename "
                "it"
            )
        if not target.parent.is_dir():
            raise RunError(
                f"[explanation.save] there is no folder {target.parent}; expected one; make it, or give another path"
            )
        Files(target.parent).replace(target.name, self._drawn(target.suffix[1:].lower()))
        return target

    def _drawn(self, kind: str) -> bytes:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise RunError(
                f"[explanation.save] matplotlib cannot be imported ({error}); expected it, since it draws; pip install "
                '"powertrain[cli]"'
            ) from None
        figure, buffer = Figure(figsize=(8.4, 3.4), layout="constrained"), io.BytesIO()
        FigureCanvasAgg(figure)
        self.draw(figure)
        figure.savefig(buffer, format=kind, dpi=110, bbox_inches="tight")
        return buffer.getvalue()

    def _repr_png_(self) -> bytes | None:
        """For notebooks."""
        try:
            return self._drawn("png")
        except RunError:  # without matplotlib the words of __repr__ are shown
            return None


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether an example can be shown as a picture: [height, width], with or without 1 or 3 channels."""
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def show_picture(axes: Any, pixels: Array) -> None:
    """A picture on axes, from black for its smallest number to white for its largest."""
    values = np.asarray(pixels, np.float64)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    low, high = float(values.min()), float(values.max())
    axes.imshow((values - low) / max(high - low, 1e-12), cmap="gray")
    axes.axis("off")


def chosen_outputs(run: TrainRun, outputs: Array, of: str | int | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The output of each example that is explained, by number and name: without `of`, the largest."""
    count = outputs.shape[1]
    classes = run.dataset.class_names if run.dataset.kind.classes else ()
    labels: Sequence[str] = classes if len(classes) == count else [f"output {at}" for at in range(count)]
    if count == 1:
        labels = ["the answer"]
    if of is None:
        chosen = outputs.argmax(axis=1).astype(np.int64)
    else:
        number = int(of) if isinstance(of, str) and of.isascii() and of.isdigit() else of
        place = labels.index(of) if of in labels else number
        if not isinstance(place, int) or not 0 <= place < count:
            hint = suggestion(str(of), list(labels))
            raise RunError(
                f"[explain] received of={of!r}; expected an output from 0 to {count - 1}, or one of "
                f"{', '.join(labels[:12])}{hint}"
            )
        chosen = np.full(len(outputs), place, np.int64)
    return chosen, tuple(labels[at] for at in chosen)


def columns_of_file(run: TrainRun, count: int) -> Mapping[str, Sequence[int]]:
    """The numbers of an example by the column that they were made of."""
    dataset = run.dataset
    names = dataset.made_of or dataset.columns or tuple(f"column {at}" for at in range(count))
    groups: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        groups.setdefault(name, []).append(at)
    return groups


export(globals())
