"""What `pt.fit` and `pt.load` give: a trained model with its history, its scores and its folder. Methods hand on to the
rooms that do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.io.console import one_line
from powertrain.plugin.wording import suggestion
from powertrain.random.default import drawing_from
from powertrain.train.closing_words import headline_metric
from powertrain.train.display.display import position
from powertrain.train.folder.run_folder import REPORT, RunError
from powertrain.train.recorded_run import RecordedRun
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.session import measure

if TYPE_CHECKING:
    from os import PathLike

    from powertrain.nn import Module, Written
    from powertrain.nn.quantized import Activations
    from powertrain.plugin import Exported, Exporter
    from powertrain.train.evaluate.compare import Comparison
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.evaluate.predictions import Predictions
    from powertrain.train.explain.attention import Attention
    from powertrain.train.explain.embedding_map import EmbeddingMap
    from powertrain.train.explain.explanation import Explanation
    from powertrain.train.explain.gradients import Attribution
    from powertrain.train.explain.nearest import Neighbours
    from powertrain.train.explain.occlusion import Occlusion
    from powertrain.train.explain.permutation import Importance
    from powertrain.train.pruning.prune import Pruned
    from powertrain.train.quantizing.quantize import Quantized
    from powertrain.train.retraining.retrain import Retrained
    from powertrain.train.run.train_run import TrainRun
    from powertrain.typing import Array, DataLike, ExamplesLike

Scores: TypeAlias = dict[str, float]


class TrainedRun(RecordedRun):
    """A trained model with what became of it.

    model      the module, with the weights that are judged and used: the best that early stopping kept, or the last
    folder     where checkpoints, report and results lie
    history    what each evaluation gave, by row or by column
    anomalies  what went wrong in training, where `run.anomalies` watches for it
    histograms   of gradients, weights and activations, where `run.histograms` keeps them
    results    what the end of the training gave: scores by part, seconds, energy, hash; empty where it was stopped
    run        the run behind it, which knows slots and sources
    stopped    why the run ended before its target, by early stopping, a callback or a request; empty where it did not
    finished   whether the run reached its target, or early stopping or a callback ended it

    >>> run = pt.fit("digits", epochs=1, verbose=False)
    >>> run.finished, len(run.predict(np.zeros((2, 8, 8))))
    (True, 2)
    """

    def __init__(
        self,
        run: TrainRun,
        results: Mapping[str, object],
        *,
        finished: bool,
        missing: tuple[str, ...] = (),
        with_data: Callable[[bool], TrainRun] | None = None,
    ) -> None:
        super().__init__(run)
        self._with_data = with_data  # of a run that was opened without its data: opens it with them
        self._missing = missing  # objects that a run opened again was not given
        self.changes: list[str] = []  # how its data differ from those that it was trained on
        self.results: dict[str, Any] = dict(results)
        self.finished = finished

    @property
    def stopped(self) -> str:
        return self.run.stop_reason

    @property
    def model(self) -> Module:
        modules = self.run.table.modules
        if not modules:
            raise RunError(
                f"[model] {self.run.recipe.strategy.name} trains no model; expected one; use another strategy"
            )
        return modules.get("model") or next(iter(modules.values()))

    @property
    def units(self) -> dict[str, str]:
        """The unit of each metric that has one, `{"mae": "dollars"}`, where the recipe names one (`target.unit`)."""
        return self.run.evaluations.units

    @overload
    def evaluate(self, data: None = None, *, changed_data: bool = False) -> dict[str, Scores]: ...
    @overload
    def evaluate(self, data: DataLike | ExamplesLike, *, changed_data: bool = False) -> Scores: ...
    def evaluate(
        self, data: DataLike | ExamplesLike | None = None, *, changed_data: bool = False
    ) -> Scores | dict[str, Scores]:
        """Measure the model: by part, `{"test": {"accuracy": 0.98, ...}, ...}`; with the name of a part, or with data
        of your own as `fit` takes them, the scores of that alone. A run of a table takes a data frame, or the path of a
        file, with the column that is predicted. Classes may be given by their names; those of a table are.

        Data of the run that have changed since are an error, or, with `changed_data`, measured with a warning that says
        what changed."""
        if data is None:
            return {part: one.values for part, one in self._evaluations(changed_data).items()}
        from powertrain.train.evaluate.predict import means_file, measured_on

        with drawing_from(self.run.generator):
            if isinstance(data, str) and not means_file(self.run, data):
                run = self._measured(changed_data)
                known = list(run.dataset.splits)
                if data not in known and data != "env":
                    wanted = f"one of {', '.join(known)}{suggestion(data, known)}"
                    raise RunError(f"[evaluate] received {one_line(data)}; expected {wanted}")
                assert run.evaluations.evaluator is not None
                return run.evaluations.evaluator(data).values
            return measured_on(self.run, data).values

    def _evaluations(self, changed_data: bool) -> dict[str, Evaluation]:
        run = self._measured(changed_data)
        with drawing_from(self.run.generator):
            return measure(run)

    def _measured(self, changed_data: bool = False) -> TrainRun:
        """The run with its data, and with the weights that the model has now."""
        if self._with_data is not None:
            opened = self._with_data(changed_data)
            opened.table.set_model({name: slot.numpy() for name, slot in self.run.table.model_slots().items()})
            return opened
        if "data" in self._missing:
            raise RunError(
                "[evaluate] the data were Python objects, and this run was opened without them; expected data; pass "
                "them: run.evaluate((x, y)), or pt.load(folder, model=..., data=...)"
            )
        return self.run

    @property
    def example(self) -> Array:
        """One example as `examples` gives it, [1, ...]; zeros where the run was opened without its data."""
        from powertrain.train.evaluate.predict import example_of

        return example_of(self.run)[None].copy()

    def examples(self, x: ExamplesLike | str) -> Array:
        """The examples that `predict` makes of `x`, checked: an array [examples, ...], which `predict(x, checked=True)`
        takes as it is.

        Errors    those of `predict`
        Example
            >>> pt.fit("digits", epochs=1, verbose=False).examples(np.zeros((8, 8))).shape
            (1, 8, 8)
        """
        from powertrain.train.evaluate.predict import checked_examples

        return checked_examples(self.run, x)

    def predict(self, x: ExamplesLike | str, *, checked: bool = False) -> Predictions:
        """Answers to examples as the data set has them before its transforms: labels and probabilities of classes, or
        values in the unit of the targets.

        x   an array, which of a table has its columns in their order; a data frame, or a dict of columns; a list of
            pictures, sounds or texts, where the run was trained on such; the path of a file or a folder of its data's
            kind. A language model has `generate` instead
        checked  whether `x` is what `examples` gave, which is not looked at again: a server does that once

        Errors    examples of another form, or that hold numbers that are not finite: DataError, which names the first
        Example
            >>> run = pt.fit("digits", epochs=2, verbose=False)
            >>> said = run.predict(np.zeros((2, 8, 8)))
            >>> said.labels.shape, said.probabilities.shape
            ((2,), (2, 10))
        """
        from powertrain.train.evaluate.predict import answer, answers_of_file

        with drawing_from(self.run.generator):
            return answers_of_file(self.run, Path(x)) if isinstance(x, (str, Path)) else answer(self.run, x, checked)

    @overload
    def explain(
        self,
        x: ExamplesLike | str | None = None,
        y: ExamplesLike | None = None,
        *,
        method: Literal["permutation"],
        metric: str | None = None,
        repeats: int = 5,
        seed: int = 0,
    ) -> Importance: ...
    @overload
    def explain(
        self,
        x: ExamplesLike,
        *,
        method: Literal["gradients"] = "gradients",
        of: str | int | None = None,
        baseline: ExamplesLike | None = None,
    ) -> Attribution: ...
    @overload
    def explain(
        self,
        x: ExamplesLike,
        *,
        method: Literal["occlusion"],
        of: str | int | None = None,
        baseline: ExamplesLike | None = None,
    ) -> Occlusion: ...
    @overload
    def explain(self, x: ExamplesLike, *, method: Literal["attention"]) -> Attention: ...
    @overload
    def explain(self, x: ExamplesLike, *, method: Literal["nearest"], count: int = 5) -> Neighbours: ...
    @overload
    def explain(
        self,
        x: ExamplesLike | str | None = None,
        y: ExamplesLike | None = None,
        *,
        method: Literal["map"],
        seed: int = 0,
    ) -> EmbeddingMap: ...
    def explain(
        self,
        x: ExamplesLike | str | None = None,
        y: ExamplesLike | None = None,
        *,
        method: str = "gradients",
        of: str | int | None = None,
        baseline: ExamplesLike | None = None,
        metric: str | None = None,
        repeats: int = 5,
        count: int = 5,
        seed: int = 0,
    ) -> Explanation:
        """Explain answers, as arrays and as a picture: `save()` writes it, a notebook shows it.

        method  gradients: what each number of the examples `x` adds to an output (`of`: a class or a number; else the
                largest), from a `baseline` on (else zeros), by integrated gradients. occlusion: what is gone of an
                output without a column or a word of `x`, which takes the values of `baseline` (else of examples that
                the run keeps), or is left out; for models without gradients too. permutation: how much `metric`
                falls when a column is shuffled, `repeats` times each, on examples `x` with targets `y`, or on the part
                that `x` names (else the test part). attention: where a transformer looks. nearest: the `count` training
                examples that are nearest to each of `x` for the model; it needs the training data. map: examples `x`,
                or those of the part that `x` names, on a plane, near each other where they are alike to the model

        Errors    a model or data that the method does not suit; training data that is gone: RunError
        Example
            >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
            >>> run = pt.fit(model=pt.nn.Linear(3, 1), data=(x, 2 * x[:, 0]), epochs=5, verbose=False)
            >>> run.explain(x[:4]).values.shape
            (4, 3)
        """
        from powertrain.train.explain.explain import explained

        settings = {"of": of, "baseline": baseline, "metric": metric, "repeats": repeats, "count": count, "seed": seed}
        with drawing_from(self.run.generator):
            return explained(self.run, self._measured, x, y, method, settings)

    def compare(self, *others: TrainedRun, confidence: float = 0.95, seed: int = 0) -> Comparison:
        """Compare this run with others: `powertrain compare` in Python. All must be finished, with their data there.

        The result has `values` (what each reached), `settings` (what of the recipes differs) and `differences`: of each
        other run from this one, on the examples that both were judged on, with an interval. `print` shows it all.

        Errors    a run without results, or runs that were judged on different parts: RunError
        Example
            >>> first, second = (pt.fit("digits", epochs=n, verbose=False) for n in (2, 6))
            >>> found = first.compare(second)
            >>> found.differences[0].found.difference > 0, found.settings["run.until"]
            (True, ('"2 epochs"', '"6 epochs"'))
        """
        from powertrain.train.evaluate.compare import Ended, compare

        ended = [Ended(one._measured(), one.results) for one in (self, *others)]
        return compare(ended, confidence=confidence, seed=seed)

    def retrain(
        self,
        data: str | Path,
        *,
        policy: str = "continue",
        test: str | Path | None = None,
        share: float = 0.3,
        ordered: bool = False,
        rule: str = "better",
        margin: float = 0.01,
        name: str | None = None,
        folder: str | Path | None = None,
        seed: int = 0,
        verbose: bool = False,
        **settings: object,
    ) -> Retrained:
        """Train a challenger of this run on a file of new data, and compare both on examples that neither has learned
        from: `powertrain retrain` in Python (docs/guides/monitoring.md).

            policy     "continue" from these weights, or "restart" untrained
            test       a file of examples to compare on; else a `share` of the new ones, the last if `ordered`
            rule       "better", "not-worse" (by at most `margin`) or "never": when the challenger is promoted
            name       of the model in `pt.models.open_registry()`, under which both are registered
            settings   what changes in the recipe, such as **{"run.until": "5 epochs"}

        Errors    a run of Python objects, or whose data are no file
        """
        from powertrain.recipe.toml import value_text
        from powertrain.train.display.display import Display
        from powertrain.train.retraining.retrain import Settings, retrain

        given = Settings(
            policy, None if test is None else Path(test), share, ordered, rule, margin, seed=seed, name=name,
            folder=None if folder is None else Path(folder),
            overrides=tuple(f"{key}={value_text(value)}" for key, value in settings.items()),
        )  # fmt: skip
        with own_random_numbers():
            return retrain(self.folder, Path(data), given, Display(quiet=not verbose, python=True, kept=True))

    def quantize(
        self,
        bits: int = 8,
        *,
        group_size: int | None = None,
        activations: Activations = "float",
        skip: Sequence[str] = (),
        examples: int = 256,
        tolerance: float | None = None,
        folder: str | PathLike[str] | None = None,
        trust: bool = False,
    ) -> Quantized:
        """Make a copy of this run whose weights have 8 or 4 bits, and measure both: `powertrain quantize` in Python.

        The settings are those of `pt.quantize`; ranges of static activations come from `examples` of the training part.
        With a `tolerance` nothing is left where the run's metric gets worse by more than that.

        Errors    a run of Python objects, one without results, or whose data are gone
        """
        from powertrain.nn.quantizing import Form
        from powertrain.train.quantizing.quantize import quantize_run

        form, target = Form.of(bits, group_size, activations), None if folder is None else Path(folder)
        with drawing_from(self.run.generator):
            return quantize_run(
                self, self._measured(), form, skip=skip, examples=examples, tolerance=tolerance, folder=target,
                trust=trust,
            )  # fmt: skip

    def prune(
        self,
        sparsity: float,
        *,
        structured: bool = False,
        until: str | None = None,
        skip: Sequence[str] = (),
        tolerance: float | None = None,
        folder: str | PathLike[str] | None = None,
        trust: bool = False,
        verbose: bool = False,
    ) -> Pruned:
        """Make a copy of this run in which a share of the weights is zero, trained on, and measure both: `powertrain
        prune` in Python.

            sparsity     the share of the weights of linear and convolutional layers, the smallest of all together
            structured   whole units and channels of each layer instead, and the layers get smaller
            until        how long is trained on, such as "2 epochs"; a third of the run where it is not given
            skip         patterns of paths of layers that stay whole
            tolerance    with it nothing is left where the run's metric gets worse by more than that

        Errors    a run of Python objects, one without results, or whose data are gone
        """
        from powertrain.train.pruning.prune import prune_run

        target = None if folder is None else Path(folder)
        with drawing_from(self.run.generator):
            return prune_run(
                self, self._measured(), sparsity, structured=structured, until=until, skip=skip, tolerance=tolerance,
                folder=target, trust=trust, verbose=verbose,
            )  # fmt: skip

    def export(self, to: str | Exporter, path: str | PathLike[str] | None = None, **settings: object) -> Exported:
        """Write the model in another form: "safetensors", "c", "wheel", or what a plugin offers, with its settings.

        `path` is the file or folder to write, or a folder to write it into; here, under the run's name, where it is not
        given. What was written answers the test part as the engine does, or nothing is left of it; where the data is
        gone, examples that the run kept, or drawn inputs. `checked` of the result says which.

        >>> import tempfile
        >>> run = pt.fit("digits", epochs=1, verbose=False)
        >>> run.export("safetensors", tempfile.mkdtemp()).examples
        359
        """
        from powertrain.train.export.exporting import export

        return export(self.run, to, path, settings, self._measured)

    def generate(
        self, prompt: str = "\n", max_new_tokens: int = 400, *, temperature: float = 0.8, **settings: object
    ) -> str:
        """Go on with a text, as a language model does; gives what is new. The settings are those of pt.nn.generate:
        top_k, top_p, min_p, repetition_penalty, stop, seed, constraint."""
        return "".join(piece.text for piece in self.stream(prompt, max_new_tokens, temperature=temperature, **settings))

    def stream(
        self, prompt: str = "\n", max_new_tokens: int = 400, *, temperature: float = 0.8, **settings: object
    ) -> Iterator[Written]:
        """The same piece by piece, as pt.nn.stream_generate gives them."""
        dataset = self.run.dataset
        if dataset.context is None or not dataset.kind.tokens:
            raise RunError(
                f"[generate] {self.folder} is a run of the task {dataset.task}; expected a language model; predict "
                "gives predictions for examples"
            )
        if dataset.vocabulary is None:
            raise RunError(
                f"[generate] {self.folder} was trained on token numbers; expected a run that knows their texts; "
                "pt.nn.generate(run.model, tokens) continues numbers"
            )
        return pt.nn.stream_generate(
            self.model, prompt, max_new_tokens, tokenizer=dataset.vocabulary, context=dataset.context,
            temperature=temperature, **settings,  # type: ignore[arg-type]  # checked there
        )  # fmt: skip

    def sample(self, count: int = 64, *, seed: int = 0, **settings: object) -> Array:
        """Draw new examples, as a generative model does: an array [count, ...] of examples as the model reads them.

        The same seed gives the same ones. `powertrain plugins show STRATEGY` prints the settings, such as `steps`.

        Errors    a strategy that learns no distribution; a setting that it does not have, or of another range: RunError
        """
        from powertrain.train.evaluate.sampling import sample

        with drawing_from(self.run.generator):
            return sample(self.run, count, seed, settings)

    def report(self) -> Path:
        """The path of the report, an HTML page; it is written again where it is not there."""
        self._demand_results("report")
        self._demand_folder()
        from powertrain.train.evaluate.review import write_again

        there = self.run.folder.files.there(REPORT)
        return self.folder / REPORT if there else write_again(self._measured(), self.results)

    def card(self, *, groups: Sequence[str] = (), licence: str = "") -> Path:
        """Write card.md, a model card in Markdown: data, results by class and by group, limits, energy, recipe.

            groups    columns of a table, for results by their values
            licence   of the data, which a run does not know

        Errors    a run without results; a group that is no column
        Example
            >>> run = pt.fit("digits", epochs=1, verbose=False)
            >>> run.card(licence="CC BY 4.0").name
            'card.md'
        """
        self._demand_results("card")
        self._demand_folder()
        from powertrain.train.evaluate.review import write_card

        return write_card(self._measured(), self.results, groups, licence)

    def _demand_results(self, what: str) -> None:
        if not self.results:
            raise RunError(
                f"[{what}] {self.folder} has no results, since the run was stopped at {position(self.run)}; expected "
                "a finished run; continue it: resume=True"
            )

    def __repr__(self) -> str:
        run = self.run
        what = f"{type(self.model).__name__} on {run.dataset.name}" if run.table.modules else run.dataset.name
        words = [f"{what}, {position(run)}"]
        if self.results:
            words.append(f"{self.results['seconds']:.1f} s")
            part = self.results["part"]
            name = headline_metric(run, self.results[part])
            words.append(f"{part} {name} {self.results[part][name]:.4g}")
        else:
            words.append(f"stopped: {run.stop_reason}" if run.stop_reason else "unfinished")
        return one_line(f"TrainedRun({', '.join(words)}, folder={str(self.folder)!r})")


export(globals())
