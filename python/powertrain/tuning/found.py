"""What a search gives: its trials, the best of them, and how to say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powertrain.io.console import aligned, one_line
from powertrain.tuning.study import Trial

SHOWN = 5  # trials in the table at the end


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    trials    all of them, in their order: `number`, `settings`, `state`, `value`, `reason`, `folder`
    best      the one with the best value of `metric` on the validation part; None where none is complete
    scores    of the best, on `part`, which is looked at once, at the end; empty where the search was stopped before
    recipe    the file of the best recipe, for `pt.fit` and `powertrain train`
    report    the page of the search
    finished  whether all trials were made
    met       whether the scores meet what the recipe expects
    """

    folder: Path
    metric: str
    lower: bool
    trials: tuple[Trial, ...]
    best: Trial | None
    part: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    recipe: Path | None = None
    report: Path | None = None
    finished: bool = True
    met: bool = True
    signal: int = 0
    importances: Mapping[str, float] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many trials came to what."""
        found = Counter(one.state for one in self.trials)
        return {state: found[state] for state in ("complete", "pruned", "failed", "unfinished")}

    def table(self) -> dict[str, Any]:
        """The same for JSON."""
        best = self.best
        return {
            "study": str(self.folder), "metric": self.metric, "better": "lower" if self.lower else "higher",
            "trials": self.counts(), "finished": self.finished, "importances": dict(self.importances),
            "best": None if best is None else {"trial": best.number, "value": best.value, "run": str(best.folder),
                                               "set": dict(best.texts)},
            "part": self.part, "scores": dict(self.scores), "met": self.met,
            "recipe": self.recipe and str(self.recipe), "report": self.report and str(self.report),
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The end of a search in words: the best trials as a table, and what can be done next."""
        if self.best is None:
            return []
        rows = [("trial", self.metric, *self.best.texts)]
        rows += [(str(one.number), f"{one.value:.4g}", *one.texts.values()) for one in self.ranked()[:SHOWN]]
        said = ["best trials", *(f"  {line}" for line in aligned(rows, left=0))]
        if self.importances:
            said.append("counts " + ", ".join(f"{key} {share:.0%}" for key, share in self.importances.items()))
        if self.scores:
            values = "  ".join(f"{name} {value:.4g}" for name, value in self.scores.items())
            said.append(f"{self.part:<6} trial {self.best.number}: {values}")
        said.append(f"report {self.report}")
        if self.finished:
            said.append(f"next   powertrain train {self.recipe}")
        return said

    def ranked(self) -> list[Trial]:
        """The complete trials, the best first."""
        sign = 1 if self.lower else -1
        return sorted((one for one in self.trials if one.state == "complete"), key=lambda one: sign * one.value)


def told(trial: Trial, target: int, best: bool) -> str:
    """One line on a trial that has ended."""
    words = {"complete": f"{trial.value:.4g}", "pruned": f"ended early, {trial.reason}", "failed": "failed"}
    settings = "  ".join(f"{key}={text}" for key, text in trial.texts.items())
    line = f"trial {trial.number:>{len(str(target))}}/{target}  {words[trial.state]:<8}  {settings}"
    line += f"  {trial.seconds:.1f} s" if trial.seconds else ""
    return one_line(line + "  best so far" * best + (f"  {trial.reason}" if trial.state == "failed" else ""))
