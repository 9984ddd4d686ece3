"""How much energy and money a run took: measured by the processor's own counters where they can be read, else
estimated from processor time. Always with its method and a range."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")
# A server core under load, its share of memory and the machine around it. Published machines lie between 5 and 15 W.
WATTS_PER_CORE = 10.0
ESTIMATE_RANGE = 0.5
# Counters see the processor, not the memory, fans and power supply: those add 10 to 40 %, and neighbours count too.
MEASURED_RANGE = 0.3
PRICE_PER_KWH = 0.30
LEAST_PRICE = 0.001


@dataclass(frozen=True)
class Energy:
    """An amount with its uncertainty and where it comes from."""

    watt_hours: float
    spread: float
    method: str

    @property
    def low(self) -> float:
        return self.watt_hours * (1 - self.spread)

    @property
    def high(self) -> float:
        return self.watt_hours * (1 + self.spread)

    def short(self) -> str:
        kind = "measured" if self.spread == MEASURED_RANGE else "estimate"
        return f"~{self.watt_hours:.2g} Wh ({kind}, ±{self.spread:.0%})".replace("0%", "0 %")

    def sentence(self) -> str:
        cost = self.watt_hours / 1000 * PRICE_PER_KWH
        price = f"{cost:.2g}" if cost >= LEAST_PRICE else f"less than {LEAST_PRICE:g}"
        return (
            f"{self.watt_hours:.2g} Wh, between {self.low:.2g} and {self.high:.2g} Wh ({self.method}); at "
            f"{PRICE_PER_KWH:.2f} a kWh that costs {price}."
        )


@dataclass(frozen=True)
class Usage:
    """What a stretch of work took: seconds on the clock, seconds of all processors, and joules where counters show
    them (else NaN). Stretches can be added and scaled."""

    seconds: float = 0.0
    busy: float = 0.0
    joules: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.seconds + other.seconds, self.busy + other.busy, self.joules + other.joules)

    def __sub__(self, other: Usage) -> Usage:
        return self + other * -1

    def __mul__(self, times: float) -> Usage:
        return Usage(self.seconds * times, self.busy * times, self.joules * times)

    def energy(self) -> Energy:
        if self.joules > 0:  # a counter that wrapped around gives nonsense: then estimate
            return Energy(self.joules / 3600, MEASURED_RANGE, "measured by the processor's energy counters (RAPL)")
        method = f"estimated from {self.busy:.0f} s of processor time at {WATTS_PER_CORE:g} W a core"
        return Energy(self.busy * WATTS_PER_CORE / 3600, ESTIMATE_RANGE, method)


class Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._joules = _counters()
        self._processor = _processor_seconds()
        self._start = time.monotonic()

    def usage(self) -> Usage:
        now, joules = _counters(), math.nan
        if self._joules and now.keys() == self._joules.keys():
            joules = sum(now[name] - before for name, before in self._joules.items())
        return Usage(time.monotonic() - self._start, _processor_seconds() - self._processor, joules)

    def read(self) -> Energy:
        return self.usage().energy()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _counters() -> dict[str, float]:
    """Joules of each processor package; empty where they cannot be read, as in most virtual machines."""
    found = {}
    for path in sorted(COUNTERS.glob("intel-rapl:[0-9]/energy_uj")) if COUNTERS.is_dir() else []:
        try:
            found[path.parent.name] = int(path.read_text()) / 1e6
        except (OSError, ValueError):
            return {}
    return found
