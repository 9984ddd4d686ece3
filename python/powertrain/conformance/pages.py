"""Checks of what a model adds to the report: sections whose pictures can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from powertrain.conformance.finding import Finding, Subject
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin.protocols import Inputs
from powertrain.plugin.section import Section


def dataset_of(inputs: Inputs, x: Any, y: Any) -> DataModule:
    """Rows as a data set of named columns."""
    size = x.reshape(len(x), -1).shape[1]
    columns = tuple(f"column {number}" for number in range(size))
    labels = inputs.labels or tuple(str(number) for number in range(inputs.outputs))
    return DataModule("rows", inputs.task, {"train": ArrayDataset(x=x, y=y)}, inputs.outputs, labels, columns=columns)


def check_sections(subject: Subject, sections: Callable[..., Any], *given: Any) -> Iterator[Finding]:
    """A report shows a section that fails as a fault: better that its author sees it here."""
    try:
        made = list(sections(*given))
    except Exception as error:
        yield subject.raised("sections", error)
        return
    for one in made:
        if not isinstance(one, Section):
            yield subject.finding(
                "not-a-section",
                f"sections gave a {type(one).__name__}",
                "powertrain.data.Section objects",
                "make Section(title, lines, rows, draw)",
            )
            return
        if one.draw is not None:
            yield from _drawn(subject, one)


def _drawn(subject: Subject, section: Section) -> Iterator[Finding]:
    try:
        from matplotlib.figure import Figure
    except ImportError:  # a report has no pictures then
        return
    assert section.draw is not None
    try:
        section.draw(Figure())
    except Exception as error:
        yield subject.raised(f"the picture of the section {section.title!r}", error)
