"""report.html: one file with everything in it, to be mailed or opened without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.plain_json import dumps
from powertrain.plugin.declared import overridden
from powertrain.plugin.model import Model
from powertrain.plugin.section import Section
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import REPORT
from powertrain.train.report.markup import Html, html, joined

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.report.energy import Energy
    from powertrain.train.run.train_run import TrainRun

MOST_POINTS = 5_000  # of a picture; more only hide each other

# Nothing is fetched and nothing runs, whatever somebody's data have brought into the page.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = Html("""
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child, .words td, .words th { text-align: left } .words td { vertical-align: top }
.words :is(td, th):not(:last-child) { white-space: nowrap } img { max-width: 100%; margin-top: 1rem; background: #fff }
pre { background: #f6f6f6; padding: 1rem; overflow-x: auto } pre.text { white-space: pre-wrap }
@media print { pre { white-space: pre-wrap } }
.good { color: #176f2c } .bad { color: #a11 } .quiet { color: #666 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } pre { background: #222 } }
""")
NOTHING = Html("")


def write_report(run: TrainRun, judged: Evaluation, results: dict[str, Any], energy: Energy) -> Path:
    """Write the report of a finished run and return its path."""
    history = read_history(run.folder.path)
    parts = [
        _summary(run, judged, results),
        _curves(history),
        _examples(run),
        _comparison(results),
        _classes(run, judged),
        _sureness(run, judged),
        *(_section(section) for section in of_task(run, judged)),
        _worst(run, judged),
        _samples(history),
        *(_section(section) for section in told(run)),
        html("<h2>Energy and cost</h2><p>{}</p>", energy.sentence()),
        html("<h2>Recipe</h2><pre>{}</pre>", run.recipe.text or dumps(run.recipe.tables, indent=1)),
        _settings(run),
    ]
    title = ": ".join(dict.fromkeys((run.folder.path.name, results["recipe"])))
    head = html(
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{}">'
        '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style>',
        POLICY, title, STYLE,
    )  # fmt: skip
    body = joined((part for part in parts if part), "\n")
    page = html(
        "<!doctype html><html lang=en><head>{}</head><body><h1>{}</h1>\n{}\n</body></html>\n", head, title, body
    )
    run.folder.files.replace(REPORT, page.encode())
    return run.folder.path / REPORT


def _charts() -> Any:
    """The module that draws, or None where matplotlib is not there or does not work."""
    try:
        from powertrain.train.report import charts
    except ImportError:
        return None
    return charts


def _left_out(what: str) -> Html:
    return html('<p class="quiet">{} left out: matplotlib is not installed (pip install "powertrain[cli]").</p>', what)


def _summary(run: TrainRun, judged: Evaluation, results: dict[str, Any]) -> Html:
    from powertrain.train.session import headline

    judged_on = f"judged on {judged.examples:,} {judged.part} examples"
    after = f", {judged_on} after {_length(results)} in {results['seconds']:.1f} s."
    rows = [html("<p><b>{}</b>{}</p>", headline(run, judged, results), after), html("<p>Fit: {}.</p>", results["fit"])]
    for one in results["expect"]:
        mark = html('<span class="{}">{}</span>', *(("good", "met") if one["met"] else ("bad", "missed")))
        value = "not measured" if one["value"] is None else f"{one['value']:.4g}"
        rows.append(html("<p>Expected {} {}: {}, {}.</p>", one["name"], one["limit"], value, mark))
    return joined(rows, "\n")


def _length(results: dict[str, Any]) -> str:
    """What another library fits, or is solved at once, makes no steps."""
    unit = "steps" if results["steps"] or "rounds" not in results else "rounds"
    return f"{results[unit]:,} {unit if results[unit] != 1 else unit.removesuffix('s')}"


def _curves(history: list[dict[str, Any]]) -> Html:
    lines: dict[str, list[tuple[int, float]]] = {}
    for event in history:
        if event["event"] != "metrics":
            continue
        for name, value in event["values"].items():
            if math.isfinite(value):
                lines.setdefault(name, []).append((event["step"], value))
    if not lines:
        return NOTHING
    draw = _charts()
    return html("<h2>Curves</h2>{}", draw.curves(lines) if draw else _left_out("The curves are"))


def _comparison(results: dict[str, Any]) -> Html:
    if not results["baselines"]:
        return NOTHING
    values = results[results["part"]]
    rows = []
    for one in results["baselines"]:
        mine = values.get(one["metric"])
        mine = "" if mine is None else f"{mine:.4g}"
        rows.append((f"{one['name']} ({one['how']})", one["metric"], f"{one['value']:.4g}", mine))
    table = _table((("compared with", "metric", "its value", "this run"), *rows))
    return html("<h2>Against simple predictors</h2>{}", table)


def class_rows(run: TrainRun, judged: Evaluation) -> tuple[tuple[str, ...], ...]:
    """Precision, recall and F1 of each class, below a head."""
    assert judged.confusion is not None
    scores = judged.confusion.scores()
    columns = zip(labels_of(run), scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    rows = [
        (label, f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", f"{int(support):,}")
        for label, precision, recall, f1, support in columns
    ]
    return (("class", "precision", "recall", "F1", "examples"), *rows)


def _classes(run: TrainRun, judged: Evaluation) -> Html:
    if judged.confusion is None:
        return NOTHING
    table, labels = _table(class_rows(run, judged)), labels_of(run)
    draw = _charts()
    matrix = judged.confusion.matrix
    picture = draw.confusion(matrix, labels) if draw else _left_out("The picture of the confusion matrix is")
    return html("<h2>Classes</h2>{}{}", table, picture)


def answers(judged: Evaluation) -> tuple[Section, ...]:
    """Numbers: what the model said against what they are."""
    if judged.truth is None or judged.outputs is None or not judged.outputs.size:
        return ()
    import numpy as np

    rows = np.linspace(0, judged.examples - 1, min(judged.examples, MOST_POINTS)).astype(np.int64)
    truth, said = judged.truth[rows].ravel(), judged.outputs[rows].ravel()

    def draw(figure: Any) -> None:
        from powertrain.train.report.charts import draw_answers

        draw_answers(figure, truth, said)

    return (Section("Answers", draw=draw),)


def _sureness(run: TrainRun, judged: Evaluation) -> Html:
    """Whether the probabilities of a classifier hold, and, of two classes, what other thresholds would give."""
    if judged.confusion is None or judged.outputs is None or judged.truth is None or judged.outputs.ndim != 2:
        return NOTHING
    from powertrain.train.evaluate import calibration

    outputs, truth, labels = judged.outputs.astype("float64"), judged.truth, labels_of(run)
    two = calibration.thresholds(outputs[:, 1] - outputs[:, 0], truth == 1) if len(labels) == 2 else None
    lines, held = [], None
    if two is not None:
        share = float((truth == 1).mean())
        lines.append(
            f"Of two examples, one of them {labels[1]}, it puts that one higher {100 * two.area:.1f}\u00a0% of the "
            f"time (area under the ROC curve; guessing: 50\u00a0%). Average precision of {labels[1]}: "
            f"{two.average_precision:.3f} (guessing: {share:.3f})."
        )
    if _gives_probabilities(run):
        shares = calibration.probabilities(outputs)
        said = shares[:, 1] if len(labels) == 2 else shares.max(axis=1)
        held = calibration.reliability(said, truth == 1 if len(labels) == 2 else shares.argmax(axis=1) == truth)
        lean = {1: ", most of them too high", -1: ", most of them too low", 0: ""}[held.leaning]
        lines.append(
            f"Its probabilities are off by {100 * held.error:.1f} points on average (expected calibration error){lean}."
        )
    if not lines:
        return NOTHING
    draw = _charts()
    picture = draw.sureness(two, held, labels) if draw else _left_out("The pictures are")
    return html("<h2>How sure it is</h2>{}{}", _paragraphs(lines), picture)


def _gives_probabilities(run: TrainRun) -> bool:
    """Whether the softmax of its outputs is meant as probabilities: so say the loss, and a model on the host."""
    loss, model = run.loss(), run.table.modules.get("model")
    says = getattr(getattr(loss, "func", loss), "probabilities", False)  # a function has it where it says so
    return bool(says and (not isinstance(model, Model) or model.probabilities))


def _examples(run: TrainRun) -> Html:
    """Training examples as the model sees them, when they are pictures: with the random changes of the recipe."""
    import numpy as np

    from powertrain.data import DataLoader

    if not run.dataset.kind.classes or "train" not in run.dataset.splits:
        return NOTHING
    count = min(16, len(run.dataset.train))
    batch = next(iter(DataLoader(run.dataset.train, count, shuffle=True, seed=run.recipe.run.seed, augment=True)))
    pixels, draw = _pixels(run, batch.x), _charts()
    if not _is_picture(pixels.shape[1:]) or draw is None:
        return NOTHING
    labels = labels_of(run)
    # Where examples are mixed, y is shares: the largest two name the picture.
    if batch.y.ndim == 2:
        best = np.argsort(-batch.y, axis=1, kind="stable")[:, :2]
        titles = [
            " + ".join(f"{share[at]:.0%} {labels[at]}" for at in two if share[at] > 0.005)
            for two, share in zip(best, batch.y, strict=True)
        ]
    else:
        titles = [labels[label] for label in batch.y]
    pictures = draw.images(pixels, titles, "training examples")
    return html("<h2>Training examples</h2><p>As the model sees them.</p>{}", pictures)


def _pixels(run: TrainRun, x: Any) -> Any:
    """Examples as people look at them, where a transform knows how; the last of them does."""
    views = [made.picture for made in run.dataset.transforms if overridden(made, "picture")]
    return views[-1](x) if views else x


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def labels_of(run: TrainRun) -> tuple[str, ...]:
    return run.dataset.labels or tuple(str(number) for number in range(run.dataset.outputs))


def _worst(run: TrainRun, judged: Evaluation) -> Html:
    """The examples with the highest losses, when they are pictures or the data can put them into words."""
    count = min(run.recipe.report.worst, len(judged.losses))
    if count == 0 or judged.outputs is None or not run.dataset.kind.classes:
        return NOTHING
    import numpy as np

    order = np.argsort(-judged.losses, kind="stable")[:count].astype(np.int64)
    fields = run.dataset.splits[judged.part].fetch(order)
    labels, guesses = labels_of(run), judged.outputs[order].argmax(axis=1)
    titles = [f"{labels[guess]}, is {labels[truth]}" for guess, truth in zip(guesses, fields["y"], strict=True)]
    head = html("<h2>Worst examples</h2><p>What the model said, and what it is.</p>")
    if run.dataset.show is not None:
        words = [
            (labels[guess], labels[truth], run.dataset.show(x))
            for guess, truth, x in zip(guesses, fields["y"], fields["x"], strict=True)
        ]
        return joined((head, _table((("it said", "it is", "example"), *words), "words")))
    pixels = _pixels(run, fields["x"])
    if not _is_picture(pixels.shape[1:]):
        return NOTHING
    draw = _charts()
    if draw is None:
        return _left_out("The worst examples are")
    return joined((head, draw.images(pixels, titles, "the worst examples")))


def of_task(run: TrainRun, judged: Evaluation) -> list[Section]:
    """What the task says of the answers. A mistake in it costs no report."""
    try:
        return list(run.dataset.kind.sections(run.dataset, judged))
    except Exception as error:
        said = f"Left out: {type(run.dataset.kind).__name__}.sections {_raised(error)}"
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
            said = f"Left out: {type(one).__name__}.sections {_raised(error)}"
            found.append(Section(f"What the {kind} says", (said,)))
    return [*found, *run.dataset.sections]


def _section(section: Section) -> Html:
    """Sentences, a table, a picture."""
    table, picture, draw = _table(section.rows, "words") if section.rows else NOTHING, NOTHING, _charts()
    if section.draw is not None and draw is not None:
        try:
            picture = draw.drawn(section.draw, section.title)
        except Exception as error:
            picture = html('<p class="bad">The picture is left out: drawing it {}</p>', _raised(error))
    elif section.draw is not None:
        picture = _left_out("The picture is")
    return html("<h2>{}</h2>{}{}{}", section.title, _paragraphs(section.lines), table, picture)


def _paragraphs(lines: Sequence[str]) -> Html:
    return joined(html("<p>{}</p>", line) for line in lines)


def _raised(error: Exception) -> str:
    from powertrain.plugin.importing import in_words

    return f"raised {in_words(error).splitlines()[0]}; expected no exception; fix it, then `powertrain report RUN`."


def _table(rows: Sequence[Sequence[str]], kind: str = "numbers") -> Html:
    """The first row is the head."""
    head, *body = rows
    made = [joined(html("<th>{}</th>", cell) for cell in head)]
    made += [joined(html("<td>{}</td>", cell) for cell in row) for row in body]
    return html('<table class="{}">{}</table>', kind, joined(html("<tr>{}</tr>", row) for row in made))


def _samples(history: list[dict[str, Any]]) -> Html:
    samples = [event for event in history if event["event"] == "sample"]
    shown = [
        html("<p>After {} steps:</p><pre class=text>{}</pre>", f"{event['step']:,}", event["text"])
        for event in samples[-3:]
    ]
    return html("<h2>Samples</h2>{}", joined(shown)) if shown else NOTHING


def _settings(run: TrainRun) -> Html:
    changes = ", ".join(run.recipe.overrides)
    return html("<p>Changed on the command line: {}.</p>", changes) if changes else NOTHING
