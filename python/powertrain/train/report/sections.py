"""Tables and pictures of a finished run as sections: what the report shows, and what callbacks get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain.plugin.model import Model
from powertrain.plugin.section import Section
from powertrain.train.report import attention, episodes, example_map
from powertrain.train.report.elements import raised
from powertrain.train.report.judged import class_rows

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun


def pages(run: TrainRun, judged: Evaluation) -> tuple[Section, ...]:
    """The scores of each class with the confusion matrix, and what the strategy, the models and the data say."""
    found = []
    if judged.confusion is not None:
        counts, labels = judged.confusion.matrix, run.dataset.class_names

        def draw(figure: Any) -> None:
            from powertrain.train.report.charts import draw_confusion

            draw_confusion(figure, counts, labels)

        found.append(Section("Classes", rows=class_rows(run, judged), draw=draw))
    return (*found, *of_task(run, judged), *told(run))


def of_task(run: TrainRun, judged: Evaluation) -> list[Section]:
    """What the task says of the answers. A mistake in it costs no report."""
    try:
        return list(run.dataset.kind.sections(run.dataset, judged))
    except Exception as error:
        said = f"Left out: {type(run.dataset.kind).__name__}.sections {raised(error)}"
        return [Section("What the task says", (said,))]


def told(run: TrainRun) -> list[Section]:
    """What the strategy, the models and the data say for themselves. Nobody's mistake in it costs a run its report."""
    found: list[Section] = []
    # What another library learned is not in the model: its strategy, which has it, asks for its sections.
    models = [made for made in run.table.modules.values() if isinstance(made, Model) and not made.host]
    for kind, one, given in [("strategy", run.strategy, run), *(("model", made, run.dataset) for made in models)]:
        try:
            found += one.sections(given)
        except Exception as error:
            said = f"Left out: {type(one).__name__}.sections {raised(error)}"
            found.append(Section(f"What the {kind} says", (said,)))
    return [*episodes.pages(run), *found, *_looks(run), *run.dataset.sections]


def _looks(run: TrainRun) -> list[Section]:
    """Pictures that any run has whose model offers what they show."""
    found: list[Section] = []
    for title, pages in ((attention.TITLE, attention.pages), (example_map.TITLE, example_map.pages)):
        try:
            found += pages(run)
        except Exception as error:
            found.append(Section(title, (f"Left out: it {raised(error)}",)))
    return found
