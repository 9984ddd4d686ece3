"""report.html: one file with everything in it, to be mailed or opened without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain import charts
from powertrain.io.plain_json import dumps
from powertrain.plugin.section import Section
from powertrain.train.closing_words import headline
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import REPORT
from powertrain.train.report import anomalies
from powertrain.train.report.curves import curves_section
from powertrain.train.report.elements import NOTHING, section_html, table_of
from powertrain.train.report.filmstrip import filmstrip
from powertrain.train.report.groups import by_group
from powertrain.train.report.histograms import histograms_section
from powertrain.train.report.ideas import Ideas
from powertrain.train.report.judged import (
    calibration_section,
    classes,
    gives_probabilities,
    training_examples,
    worst_examples,
)
from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.other_runs import other_runs
from powertrain.train.report.page import page_of
from powertrain.train.report.sections import of_task, told

if TYPE_CHECKING:
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.report.energy import Energy
    from powertrain.train.run.train_run import TrainRun


def write_report(run: TrainRun, judged: Evaluation, results: dict[str, Any], energy: Energy) -> Path:
    """Write the report of a finished run and return its path."""
    history = read_history(run.folder.path)
    ideas = Ideas(run, judged, results)
    curves = curves_section(history, run.evaluations.units, run.early is not None)
    calibration = calibration_section(run, judged, results)
    parts = [
        _summary(run, judged, results),
        ideas.of_fit(),
        curves,
        *(section_html(section) for section in anomalies.pages(history)),
        histograms_section(history),
        training_examples(run),
        _comparison(results, run.evaluations.units),
        other_runs(run, results),
        *_apart(results, ideas),
        classes(run, judged),
        ideas.of_classes(),
        calibration,
        ideas.link("ideas/calibration") if calibration and gives_probabilities(run) else NOTHING,
        *(section_html(section) for section in of_task(run, judged)),
        *(section_html(_by_group(run, judged, name)) for name in run.recipe.report.groups),
        worst_examples(run, judged),
        filmstrip(run.folder.files, history),
        _samples(history),
        *(section_html(section) for section in told(run)),
        ideas.section(),
        html("<h2>Energy and cost</h2><p>{}</p>", energy.sentence()),
        html("<h2>Recipe</h2><pre>{}</pre>", run.recipe.text or dumps(run.recipe.tables, indent=1)),
        _settings(run),
    ]
    title = ": ".join(dict.fromkeys((run.folder.path.name, results["recipe"])))
    script, style = (charts.script(), charts.style()) if curves else ("", "")
    page = page_of(title, parts, script=script, style=style)
    run.folder.files.replace(REPORT, page.encode())
    return run.folder.path / REPORT


def _summary(run: TrainRun, judged: Evaluation, results: dict[str, Any]) -> Html:
    what = "episodes" if run.dataset.kind.plays else f"{judged.part} examples"
    judged_on = f"judged on {judged.examples:,} {what}"
    after = f", {judged_on} after {_length(results)} in {results['seconds']:.1f} s."
    rows = [html("<p><b>{}</b>{}</p>", headline(run, judged, results), after), html("<p>Fit: {}.</p>", results["fit"])]
    target = run.dataset.target
    if target is not None and target.changes:
        unit = f"in {target.unit}" if target.unit else "of the targets as they are"
        rows.append(html("<p>The loss is that of {}, which is learned; all else is {}.</p>", target.formula, unit))
    if results.get("in_train"):
        said = f"{results['in_train']:.0%} of the examples of {judged.part} are examples of train too, so it knows them"
        rows.append(html('<p class="bad">{}: powertrain check names them.</p>', said))
    if results.get("stopped"):
        rows.append(html("<p>Stopped before its target: {}.</p>", results["stopped"]))
    for kind, what in (("changed_data", "The data changed"), ("changed_versions", "Versions or code changed")):
        if results.get(kind):
            said = "; ".join(map(str, results[kind]))
            rows.append(html('<p class="bad">{} while it was trained: {}.</p>', what, said))
    if run.stepper.looping and not run.dataset.kind.plays:
        rows.append(html("<p>Steps waited for data {} of their time.</p>", f"{results['data_wait']['share']:.1%}"))
    for one in results["expect"]:
        mark = html('<span class="{}">{}</span>', *(("good", "met") if one["met"] else ("bad", "missed")))
        value = "not measured" if one["value"] is None else f"{one['value']:.4g}"
        rows.append(html("<p>Expected {} {}: {}, {}.</p>", one["name"], one["limit"], value, mark))
    return joined(rows, "\n")


def _by_group(run: TrainRun, judged: Evaluation, name: str) -> Section:
    found = by_group(run, judged, name, "report.groups")
    return Section(f"By {name}", found.lines, found.rows)


def _length(results: dict[str, Any]) -> str:
    """What another library fits, or is solved at once, makes no steps."""
    unit = "steps" if results["steps"] or "rounds" not in results else "rounds"
    return f"{results[unit]:,} {unit if results[unit] != 1 else unit.removesuffix('s')}"


def _comparison(results: dict[str, Any], units: Mapping[str, str]) -> Html:
    if not results["baselines"]:
        return NOTHING
    values = results[results["part"]]
    rows = []
    for one in results["baselines"]:
        mine = values.get(one["metric"])
        mine = "" if mine is None else f"{mine:.4g}"
        metric = f"{one['metric']} ({units[one['metric']]})" if one["metric"] in units else one["metric"]
        rows.append((f"{one['name']} ({one['how']})", metric, f"{one['value']:.4g}", mine))
    table = table_of((("compared with", "metric", "its value", "this run"), *rows))
    return html("<h2>Against simple predictors</h2>{}", table)


def _apart(results: Mapping[str, Any], ideas: Ideas) -> list[Html]:
    if "apart" not in results:
        return []
    said = [
        html("<p>Distributed otherwise in {} than in train: {}.</p>", part, ", ".join(columns))
        for part, columns in results["apart"].items()
    ]
    why = html("<p>A split by time or group does that, a random one does not.</p>")
    return [html("<h2>Parts of the data</h2>{}{}", joined(said), why), ideas.link("ideas/drift")]


def _samples(history: list[dict[str, Any]]) -> Html:
    samples = [event for event in history if event["event"] == "sample"]
    shown = [html("<p>After {} steps:</p><pre>{}</pre>", f"{event['step']:,}", event["text"]) for event in samples[-3:]]
    return html("<h2>Samples</h2>{}", joined(shown)) if shown else NOTHING


def _settings(run: TrainRun) -> Html:
    changes = ", ".join(run.recipe.overrides)
    return html("<p>Changed on the command line: {}.</p>", changes) if changes else NOTHING
