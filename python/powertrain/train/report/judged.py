"""What the judged examples show: each class, how sure the model is, pictures, the worst answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import powertrain.nn.functional as F
from powertrain import nn
from powertrain.errors.methods import overridden
from powertrain.plugin.model import Model
from powertrain.plugin.section import Section
from powertrain.train.explain.explanation import is_picture
from powertrain.train.report import elements
from powertrain.train.report.elements import NOTHING, left_out, paragraphs, table_of
from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.pictures import pictures
from powertrain.train.report.signals import are_signals, signals

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun

MOST_POINTS = 5_000  # of a picture; more only hide each other


def class_rows(run: TrainRun, judged: Evaluation) -> tuple[tuple[str, ...], ...]:
    """Precision, recall and F1 of each class, below a head."""
    assert judged.confusion is not None
    scores = judged.confusion.scores()
    columns = zip(run.dataset.class_names, scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    rows = [
        (label, f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", f"{int(support):,}")
        for label, precision, recall, f1, support in columns
    ]
    return (("class", "precision", "recall", "F1", "examples"), *rows)


def classes(run: TrainRun, judged: Evaluation) -> Html:
    if judged.confusion is None:
        return NOTHING
    table, labels = table_of(class_rows(run, judged)), run.dataset.class_names
    draw = elements.charts_module()
    matrix = judged.confusion.matrix
    picture = draw.confusion(matrix, labels) if draw else left_out("The picture of the confusion matrix is")
    return html("<h2>Classes</h2>{}{}", table, picture)


def answers(judged: Evaluation, unit: str = "") -> tuple[Section, ...]:
    """Numbers: what the model said against what they are, in a unit."""
    if judged.truth is None or judged.outputs is None or not judged.outputs.size:
        return ()
    import numpy as np

    rows = np.linspace(0, judged.examples - 1, min(judged.examples, MOST_POINTS)).astype(np.int64)
    truth, said = judged.truth[rows].ravel(), judged.outputs[rows].ravel()

    def draw(figure: Any) -> None:
        from powertrain.train.report.charts import draw_answers

        draw_answers(figure, truth, said, unit)

    return (Section("Answers", draw=draw),)


def calibration_section(run: TrainRun, judged: Evaluation, results: Mapping[str, Any]) -> Html:
    """Whether the probabilities of a classifier hold, and, of two classes, what other thresholds would give."""
    if judged.confusion is None or judged.outputs is None or judged.truth is None or judged.outputs.ndim != 2:
        return NOTHING
    import numpy as np

    from powertrain.train.deciding.deciding import told
    from powertrain.train.evaluate import calibration

    outputs, truth, labels = judged.outputs.astype("float64"), judged.truth, run.dataset.class_names
    if not np.isfinite(outputs).all():
        words = "Some of its outputs are not finite: of those nobody can say how sure they are."
        return html("<h2>How sure it is</h2>{}", paragraphs([words]))
    usual = run.evaluations.decision.margin
    two = calibration.thresholds(outputs[:, 1] - outputs[:, 0], truth == 1, usual) if len(labels) == 2 else None
    lines, held = told(results), None
    if two is not None:
        share = float((truth == 1).mean())
        lines.append(
            f"Of two examples, one of them {labels[1]}, it puts that one higher {100 * two.area:.1f}\u00a0% of the "
            f"time (area under the ROC curve; guessing: 50\u00a0%). Average precision of {labels[1]}: "
            f"{two.average_precision:.3f} (guessing: {share:.3f})."
        )
    if gives_probabilities(run):
        held = calibration.held(calibration.probabilities(outputs), truth)
        lean = {1: ", most of them too high", -1: ", most of them too low", 0: ""}[held.leaning]
        lines.append(
            f"Its probabilities are off by {100 * held.error:.1f} points on average (expected calibration error){lean}."
        )
    if not lines:
        return NOTHING
    draw = elements.charts_module()
    picture = draw.calibration(two, held, labels) if draw else left_out("The pictures are")
    return html("<h2>How sure it is</h2>{}{}", paragraphs(lines), picture)


def gives_probabilities(run: TrainRun) -> bool:
    """Whether the softmax of the outputs gives probabilities: a calibration makes such, or those of the model are."""
    return run.evaluations.decision.calibration is not None or model_gives_probabilities(run)


def model_gives_probabilities(run: TrainRun) -> bool:
    """Whether the softmax of the model's own outputs gives probabilities: the loss declares it, or is one of `pt.nn`
    that does so, and so does a host model."""
    given, model = run.loss(), run.table.modules.get("model")
    loss = getattr(given, "func", given)
    ours = isinstance(loss, (nn.CrossEntropyLoss, nn.NLLLoss)) or loss in (F.cross_entropy, F.nll_loss)
    says = ours or getattr(loss, "probabilities", False)  # a function has it where it says so
    return bool(says and (not isinstance(model, Model) or model.probabilities))


def training_examples(run: TrainRun) -> Html:
    """Training examples as the model sees them, when they are pictures: with the random changes of the recipe."""
    import numpy as np

    from powertrain.data import DataLoader, untransformed

    if not run.dataset.kind.classes or "train" not in run.dataset.splits:
        return NOTHING
    count = min(16, len(run.dataset.train))
    batch = next(iter(DataLoader(run.dataset.train, count, shuffle=True, seed=run.recipe.run.seed, augment=True)))
    y = batch.arrays["y"]
    labels = run.dataset.class_names
    # Where examples are mixed, y is shares: the largest two name the picture.
    if y.ndim == 2:
        best = np.argsort(-y, axis=1, kind="stable")[:, :2]
        titles = [
            " + ".join(f"{share[at]:.0%} {labels[at]}" for at in two if share[at] > 0.005)
            for two, share in zip(best, y, strict=True)
        ]
    else:
        titles = [labels[label] for label in y]
    x = batch.arrays["x"]
    if x.ndim == 2 and is_picture(untransformed(run.dataset.train).fetch(np.zeros(1, np.int64))["x"].shape[1:]):
        return NOTHING  # the rows of a picture, one behind the other
    shown = looked_at(run, x, titles, "a training example")
    return html("<h2>Training examples</h2><p>As the model sees them.</p>{}", shown) if shown else NOTHING


def pixels_of(run: TrainRun, x: Any) -> Any:
    """Examples as people look at them, where a transform knows how; the last of them does."""
    views = [made.picture for made in run.dataset.transforms if overridden(made, "picture")]
    return views[-1](x) if views else x


def looked_at(run: TrainRun, x: Any, titles: Sequence[str], kind: str, names: Sequence[str] = ()) -> Html:
    """Examples as pictures or as curves, with a title each; nothing where it is not known how they look."""
    pixels = pixels_of(run, x)
    if not run.dataset.columns and are_signals(pixels):
        return signals(pixels, titles, kind, names)
    return pictures(pixels, titles, kind, names) if is_picture(pixels.shape[1:]) else NOTHING


def worst_examples(run: TrainRun, judged: Evaluation) -> Html:
    """The examples with the highest losses, with the names of their files: pictures or curves, or words where the data
    have such. Of other examples only those that have names are shown."""
    count = min(run.recipe.report.worst, len(judged.losses))
    if count == 0 or judged.outputs is None or not run.dataset.kind.classes:
        return NOTHING
    import numpy as np

    from powertrain.data import untransformed
    from powertrain.data.naming import example_names

    order = np.argsort(-judged.losses, kind="stable")[:count].astype(np.int64)
    source = run.dataset.splits[judged.part]
    fields, names = source.fetch(order), example_names(source, order)
    labels = run.dataset.class_names
    said = [(labels[guess], labels[truth]) for guess, truth in zip(judged.classes[order], fields["y"], strict=True)]
    head = html("<h2>Worst examples</h2><p>What the model said, and what it is.</p>")
    titles = [f"{guess}, is {truth}" for guess, truth in said]
    x = fields["x"]
    if x.ndim == 2 and is_picture((found := untransformed(source).fetch(order)["x"]).shape[1:]):
        x = found  # which the model saw as the rows of a picture, one behind the other
    looks = NOTHING if run.dataset.show else looked_at(run, x, titles, "one of the worst examples", names)
    if looks:
        return joined((head, looks))
    columns = {"file": names, "example": [] if run.dataset.show is None else [run.dataset.show(x) for x in fields["x"]]}
    shown = {name: column for name, column in columns.items() if len(column)}
    if not shown:
        return NOTHING
    rows = [(*two, *more) for two, *more in zip(said, *shown.values(), strict=True)]
    return joined((head, table_of((("it said", "it is", *shown), *rows), "words")))
