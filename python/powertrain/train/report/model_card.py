"""card.md: the model card of a finished run, for who is to decide whether to use the model (Mitchell et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.io.console import one_line
from powertrain.io.plain_json import dumps
from powertrain.nn.display import counts
from powertrain.train.closing_words import headline
from powertrain.train.deciding.deciding import told
from powertrain.train.evaluate import diagnosis
from powertrain.train.report.groups import FEW, MOST_ROWS, by_group
from powertrain.train.report.judged import class_rows

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.report.energy import Energy
    from powertrain.train.run.train_run import TrainRun

CARD = "card.md"


def write_card(
    run: TrainRun, judged: Evaluation, results: Mapping[str, Any], energy: Energy, groups: Sequence[str], licence: str
) -> Path:
    """Write the card of a finished run and return its path."""
    parts = [
        f"# Model card: {_words(run.folder.path.name)}",
        _about(run, results),
        _data(run, licence),
        _scores(run, judged, results),
        *(_group(run, judged, name) for name in groups),
        _limits(run, judged, results),
        f"## Energy\n\nTraining took {_words(energy.sentence())}",
        _again(run, results),
    ]
    run.folder.files.replace(CARD, ("\n\n".join(part for part in parts if part) + "\n").encode())
    return run.folder.path / CARD


def _about(run: TrainRun, results: Mapping[str, Any]) -> str:
    model = next(iter(run.table.modules.values()), None)
    rows = [
        ("task", run.dataset.task),
        ("model", run.recipe.model.name if run.recipe.model else "none"),
        ("parameters", "" if model is None else _counted(model)),
        ("strategy", run.recipe.strategy.name),
        ("made by", f"the recipe {results['recipe']}, in {results['steps']:,} steps ({results['seconds']:.1f} s)"),
        ("SHA-256 of the weights and all other slots", results["hash"]),
    ]
    folder = run.folder.path
    use = f"powertrain predict {folder} FILE\npowertrain serve {folder}"
    if run.dataset.kind.tokens:
        use = f'powertrain generate {folder} "a text"\npowertrain serve {folder}'
    return f"{_table((('', ''), *rows))}\n\n```console\n{use}\n```"


def _data(run: TrainRun, licence: str) -> str:
    dataset = run.dataset
    lines = [f"Data set: {_words(dataset.name)}."]
    sizes = ", ".join(f"{part} {len(source):,}" for part, source in dataset.splits.items())
    if sizes:
        lines.append(f"Examples: {sizes}.")
    if dataset.takes:
        lines.append(f"It reads: {_words(', '.join(f'{name} ({kind})' for name, kind in dataset.takes.items()))}.")
    if dataset.kind.classes:
        labels = run.dataset.class_names
        more = f" and {len(labels) - MOST_ROWS} more" if len(labels) > MOST_ROWS else ""
        lines.append(f"Classes: {_words(', '.join(map(str, labels[:MOST_ROWS])))}{more}.")
    said = licence or "not recorded in the run; look where the data come from"
    lines.append(f"Licence of the data: {_words(said)}.")
    return "## Data\n\n" + "\n".join(f"- {line}" for line in lines)


def _scores(run: TrainRun, judged: Evaluation, results: Mapping[str, Any]) -> str:
    units = run.evaluations.units
    parts = [part for part in ("test", "valid", "train", "env") if part in results]
    names = list(dict.fromkeys(name for part in parts for name in results[part]))
    rows = [
        (f"{name} ({units[name]})" if name in units else name,
         *(f"{results[part][name]:.4g}" if name in results[part] else "" for part in parts))
        for name in names
    ]  # fmt: skip
    judged_on = f"on {judged.examples:,} examples of the {judged.part} part"
    text = f"## Results\n\n{_words(headline(run, judged, dict(results)))}, {judged_on}.\n\n"
    text += _table((("metric", *parts), *rows))
    if results["baselines"]:
        simple = [
            (f"{one['name']} ({one['how']})", one["metric"], f"{one['value']:.4g}") for one in results["baselines"]
        ]
        text += f"\n\nSimple predictors on the same examples:\n\n{_table((('predictor', 'metric', 'value'), *simple))}"
    text += "".join(f"\n\n{_words(line)}" for line in told(results))
    if judged.confusion is not None:
        text += f"\n\nBy class:\n\n{_table(class_rows(run, judged))}"
    return text


def _group(run: TrainRun, judged: Evaluation, name: str) -> str:
    """How well the model does on the examples of each group, by a column of the table."""
    found = by_group(run, judged, name, "card")
    said = "".join(f"\n\n{_words(line)}" for line in found.lines)
    return f"### By {_words(name)}\n\n{_table(found.rows)}{said}"


def _limits(run: TrainRun, judged: Evaluation, results: Mapping[str, Any]) -> str:
    lines = [f"Fit: {_words(results['fit'])}."]
    for page in diagnosis.ideas_of_fit(results["fit"])[:1]:
        lines[0] += f" `powertrain help {page}` explains it."
    if judged.part == "train":
        lines.append("No example was held out: how it does on new ones is not known.")
    if judged.confusion is not None:
        support = judged.confusion.scores().support
        few = [str(label) for label, count in zip(run.dataset.class_names, support, strict=True) if count < FEW]
        if few:
            more = f" and {len(few) - MOST_ROWS} more" if len(few) > MOST_ROWS else ""
            lines.append(
                f"Fewer than {FEW} examples of {_words(', '.join(few[:MOST_ROWS]))}{more} were judged; the numbers of "
                "these classes are rough."
            )
    if results.get("changed_data"):
        lines.append(f"The data changed while it was trained: {_words('; '.join(map(str, results['changed_data'])))}.")
    for one in results["expect"]:
        if not one["met"]:
            lines.append(f"Expected {_words(one['name'])} {_words(one['limit'])}, which it missed.")
    lines.append(
        "It was trained and judged on data of one source. On others it may do worse: compare what it is asked with "
        "what it was trained on (`powertrain monitor`, or `powertrain serve`, which does so by itself)."
    )
    lines.append("This card does not judge whom a wrong answer harms, nor whether the data stand for them.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _again(run: TrainRun, results: Mapping[str, Any]) -> str:
    changes = ", ".join(run.recipe.overrides)
    changed = f"\n\nChanged on the command line: {_words(changes)}." if changes else ""
    text = run.recipe.text or dumps(run.recipe.tables, indent=1)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"## Recipe\n\n{fence}toml\n{text.strip()}\n{fence}{changed}"


def _counted(model: Module) -> str:
    total, trained = counts(model)
    return f"{total:,}" + (f", of which {trained:,} are trained" if trained < total else "")


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *others = [[_words(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _words(text: object) -> str:
    """A text of somebody's data as Markdown: in one line, with nothing in it that is markup."""
    plain = one_line(text)
    for sign in "\\`*_<>[]#":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
