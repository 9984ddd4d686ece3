"""A conditional random field of CRFsuite on the news of the recipe news-names, for docs/published.toml: words, their
ends, their forms and their neighbours, with two penalties.

pip install python-crfsuite==0.9.12
POWERTRAIN_DATA=FOLDER python benchmarks/peers/crfsuite_names.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pycrfsuite

from powertrain_text.span_measures import found_spans
from powertrain_text.spans import names_of
from powertrain_text.tagged_words import CONLL, PARTS, WHERE, Sentence, read_sentences

KINDS = ("LOC", "MISC", "ORG", "PER")
PENALTIES = (0.1, 1.0)


def of_word(words: tuple[str, ...], at: int) -> list[str]:
    word = words[at]
    found = ["bias", "word=" + word.lower(), f"upper={word.isupper()}", f"title={word.istitle()}"]
    found += [f"digit={word.isdigit()}", *(f"end{count}={word[-count:]}" for count in (2, 3, 4))]
    found += [f"begin{count}={word[:count]}" for count in (1, 2, 3)]
    for step in (-2, -1, 1, 2):
        if 0 <= at + step < len(words):
            near = words[at + step]
            found += [f"{step}:word={near.lower()}", f"{step}:title={near.istitle()}", f"{step}:upper={near.isupper()}"]
        else:
            found.append(f"{step}:none")
    return found


def measured(tagger: pycrfsuite.Tagger, sentences: list[Sentence]) -> float:
    numbers = {name: number for number, name in enumerate(names_of(KINDS))}
    longest = max(len(words) for words, _ in sentences)
    found, wanted = np.zeros((2, len(sentences), longest), np.int64)
    for row, (words, tags) in enumerate(sentences):
        said = tagger.tag([of_word(words, at) for at in range(len(words))])
        found[row, : len(words)] = [numbers[tag] for tag in said]
        wanted[row, : len(words)] = [numbers[tag] for tag in tags]
    return found_spans(found, wanted, KINDS)["all"].f1


def main() -> None:
    folder = CONLL.file(WHERE).parent
    parts = {part: read_sentences(folder / f"{part}.txt") for part in PARTS}
    for penalty in PENALTIES:
        began = time.perf_counter()
        trainer = pycrfsuite.Trainer(verbose=False)
        for words, tags in parts["train"]:
            trainer.append([of_word(words, at) for at in range(len(words))], tags)
        trainer.set_params({"c1": penalty, "c2": 1e-3, "max_iterations": 100, "feature.possible_transitions": True})
        with tempfile.TemporaryDirectory() as place:
            model = str(Path(place) / "model")
            trainer.train(model)
            tagger = pycrfsuite.Tagger()
            tagger.open(model)
            scores = {part: round(measured(tagger, parts[part]), 4) for part in ("valid", "test")}
            tagger.close()
        print(f"c1 = {penalty:g}: F1 {scores}, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
