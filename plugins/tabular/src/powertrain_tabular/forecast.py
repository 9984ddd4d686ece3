"""The task `forecast`: the next values of a series. Its baseline is the seasonal naive forecast, the values of one
season before; its scaled error (MASE) is the model's in units of that forecast's (Hyndman and Koehler 2006)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from powertrain.data import DataError, Dataset, anew, by_rows, evenly_spaced
from powertrain.plugin import Baseline, Section, Task

if TYPE_CHECKING:
    from powertrain.data import DataModule

SHOWN = 3  # forecasts that the report draws
SHOWN_STEPS = 8  # steps ahead that its table names
NAIVE = "seasonal naive"
HOW = "the values of one season before"


class SeriesWindows(Dataset):
    """Examples from a series: `past` values are x, the `ahead` next ones are y. `first` is where the first y begins."""

    def __init__(self, series: NDArray[np.float32], first: int, count: int, past: int, ahead: int, season: int) -> None:
        self.series, self.first, self.count = series, first, count
        self.past, self.ahead, self.season = past, ahead, season

    def __len__(self) -> int:
        return self.count

    @anew()
    @by_rows()
    def fetch(self, indices: Any) -> dict[str, Any]:
        begins = self.first + np.asarray(indices, dtype=np.int64)
        x, y = (sliding_window_view(self.series, size) for size in (self.past, self.ahead))
        return {"x": x[begins - self.past], "y": y[begins]}

    def naive(self, indices: Any) -> NDArray[np.float32]:
        """The seasonal naive forecasts of the same examples."""
        steps = np.arange(self.ahead)
        back = self.season * (steps // self.season + 1)
        return self.series[self.first + np.asarray(indices, dtype=np.int64)[:, None] + steps - back]


def season_error(values: NDArray[Any], season: int) -> float:
    """The mean absolute difference from one season before: what MASE divides by."""
    wide = values.astype(np.float64)
    return float(np.abs(wide[season:] - wide[:-season]).mean())


class Forecast(Task):
    """The next values of a series, one output for each step ahead."""

    loss: ClassVar[str] = "mse"
    metrics: ClassVar[tuple[str, ...]] = ("mae", "rmse", "mape")
    headline: ClassVar[str] = "mae"

    def __init__(self, params: object = None, windows: Mapping[str, SeriesWindows] | None = None) -> None:
        super().__init__(params)
        self._windows = dict(windows or {})  # by part; none in a trained run whose data is gone

    def check(self, dataset: DataModule) -> None:
        y = np.asarray(dataset.train.fetch(np.zeros(1, np.int64))["y"])
        if y.ndim != 2 or y.shape[1] != dataset.outputs or y.dtype.kind != "f":
            raise DataError(
                "forecast", f"targets {y.dtype}{list(y.shape[1:])} and outputs = {dataset.outputs}",
                "expected a number for each step ahead", "make y [examples, steps] and outputs = steps",
            )  # fmt: skip

    def _naive(self, part: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the seasonal naive forecast says of a part, and what came."""
        windows = self._windows[part]
        rows = np.arange(len(windows))
        return windows.naive(rows).astype(np.float64), windows.fetch(rows)["y"].astype(np.float64)

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        if part not in self._windows:
            return []
        said, came = self._naive(part)
        errors = measures(said, came)
        return [Baseline(NAIVE, name, value, HOW) for name, value in errors.items()]

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        windows = self._windows.get(judged.part)
        if windows is None or judged.outputs is None or judged.outputs.shape != (len(windows), windows.ahead):
            return []
        naive, came = self._naive(judged.part)
        said = judged.outputs.astype(np.float64)
        train = self._windows["train"]
        scale = season_error(train.series[: train.first + train.count + train.ahead - 1], train.season)
        return [_errors(said, naive, came, scale), _pictures(windows, said, naive, came)]

    def answer(self, dataset: DataModule, output: Any) -> dict[str, object]:
        return {"forecast": [float(f"{value:.7g}") for value in np.ravel(output)]}


def measures(said: NDArray[Any], came: NDArray[Any]) -> dict[str, float]:
    """The errors that a forecast is looked at by."""
    off = np.abs(said - came)
    relative = off / np.maximum(np.abs(came), np.finfo(np.float64).eps)
    return {
        "mae": float(off.mean()),
        "rmse": float(np.sqrt(np.square(off).mean())),
        "mape": float(relative.mean()),
    }


def _errors(said: NDArray[Any], naive: NDArray[Any], came: NDArray[Any], scale: float) -> Section:
    """The errors of both forecasts, and how they grow with the steps ahead."""
    rows = [("", "MAE", "RMSE", "MAPE", "MASE")]
    for name, forecast in (("the model", said), (NAIVE, naive)):
        found = measures(forecast, came)
        mase = found["mae"] / scale if scale > 0 else float("nan")
        rows.append((name, f"{found['mae']:.6g}", f"{found['rmse']:.6g}", f"{found['mape']:.2%}", f"{mase:.3f}"))
    by_step = [np.abs(forecast - came).mean(axis=0) for forecast in (said, naive)]
    steps = np.arange(1, said.shape[1] + 1)

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.plot(steps, by_step[0], label="the model")
        axes.plot(steps, by_step[1], label=NAIVE, color="gray")
        axes.set(xlabel="steps ahead", ylabel="mean absolute error", ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend(loc="best")

    line = f"MASE is the error in units of {scale:.6g}, that of {HOW} in the training part: below 1 is better."
    return Section("Error by steps ahead", (line,), tuple(rows), draw)


def _pictures(windows: SeriesWindows, said: NDArray[Any], naive: NDArray[Any], came: NDArray[Any]) -> Section:
    """Some forecasts beside what came, behind the values before."""
    chosen = evenly_spaced(len(windows), SHOWN)
    shown = min(windows.past, 2 * windows.ahead)
    before = windows.fetch(chosen)["x"][:, -shown:]

    def draw(figure: Any) -> None:
        figure.set_size_inches(8.4, 2.4 * len(chosen))
        past, ahead = np.arange(-shown, 0), np.arange(windows.ahead)
        for at, row in enumerate(chosen):
            axes = figure.add_subplot(len(chosen), 1, at + 1)
            axes.plot(past, before[at], color="black", linewidth=1)
            axes.plot(ahead, came[row], color="black", linewidth=1, label="what came")
            axes.plot(ahead, naive[row], color="gray", linewidth=1, linestyle="--", label=NAIVE)
            axes.plot(ahead, said[row], color="C0", label="the model")
            axes.axvline(-0.5, color="gray", linewidth=0.5)
            axes.grid(alpha=0.3)
            if at == 0:
                axes.legend(loc="lower left", ncols=3, fontsize=8)
        axes.set_xlabel("steps ahead")
        figure.set_layout_engine("constrained")

    return Section("Forecasts", ("The first, the middle and the last of the part.",), draw=draw)
