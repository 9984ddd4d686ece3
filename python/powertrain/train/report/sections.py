"""Tables and pictures of a finished run as sections: what the report shows, and what callbacks get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain.plugin.section import Section
from powertrain.train.report.html_page import class_rows, labels_of, of_task, told

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun


def pages(run: TrainRun, judged: Evaluation) -> tuple[Section, ...]:
    """The scores of each class with the confusion matrix, and what the strategy, the models and the data say."""
    found = []
    if judged.confusion is not None:
        counts, labels = judged.confusion.matrix, labels_of(run)

        def draw(figure: Any) -> None:
            from powertrain.train.report.charts import draw_confusion

            draw_confusion(figure, counts, labels)

        found.append(Section("Classes", rows=class_rows(run, judged), draw=draw))
    return (*found, *of_task(run, judged), *told(run))
