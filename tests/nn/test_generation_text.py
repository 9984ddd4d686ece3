"""Texts: where a sequence stops, what of it is shown when, prompts of all forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import Vocabulary
from powertrain.nn import Module, Written

WORDS = ["", "the ", "end", ".", "\n", "\n\n", "a", "b", "ab", "the", " e", "nd", "?"]


class Words:
    """A tokenizer of a few pieces."""

    def encode(self, text: str) -> list[int]:
        return [WORDS.index(text)] if text in WORDS else []

    def decode(self, tokens: Any) -> str:
        return "".join(WORDS[token] for token in np.asarray(tokens).tolist())


class Bytes:
    """One token for each byte, from 1 on."""

    def encode(self, text: str) -> list[int]:
        return [byte + 1 for byte in text.encode()]

    def decode(self, tokens: Any) -> str:
        return bytes(int(token) - 1 for token in tokens).decode("utf-8", "replace")


class Script(Module):
    """A model that writes the given tokens, whatever the prompt, if that is one token long."""

    def __init__(self, tokens: list[int], words: int) -> None:
        super().__init__()
        self.context = len(tokens) + 1
        table = np.zeros((self.context, words), np.float32)
        table[np.arange(len(tokens)), tokens] = 1
        self.table = pt.Slot(pt.tensor(table))

    def forward(self, tokens: pt.Tensor) -> pt.Tensor:
        rows = self.table.value[: tokens.shape[1]]
        return pt.broadcast_to(rows, (tokens.shape[0], *rows.shape))


def script(*pieces: str) -> tuple[Script, Words]:
    return Script([WORDS.index(piece) for piece in pieces], len(WORDS)), Words()


def written(model: Module, tokenizer: Any, prompt: Any, most: int, **settings: Any) -> tuple[list[Written], str]:
    pieces = list(pt.nn.stream_generate(model, prompt, most, tokenizer=tokenizer, **settings))
    return pieces, "".join(piece.text for piece in pieces)


def test_a_stop_text_may_lie_across_tokens_and_is_no_part_of_the_text() -> None:
    model, words = script("a", "b", "the", " e", "nd", ".", "a")
    for stop, wanted in ((["the end"], "ab"), (["he e"], "abt"), ("bt", "a"), (["zzz", "nd."], "abthe e")):
        pieces, text = written(model, words, "?", 7, stop=stop)
        assert text == wanted and pieces[-1].finish == "stop"
        assert pt.nn.generate(model, "?", 7, tokenizer=words, stop=stop) == wanted
    # Tokens stay whose text is before the stop.
    assert pt.nn.generate(model, [12], 7, tokenizer=words, stop=["he e"]).tolist() == [6, 7]


def test_what_may_begin_a_stop_is_held_back_until_it_is_known() -> None:
    model, words = script("a", "the ", "b", "the ", "end", "a")
    pieces, text = written(model, words, "?", 6, stop=["the end"])
    assert [piece.text for piece in pieces] == ["a", "the b", ""] and text == "athe b"
    assert [piece.tokens for piece in pieces] == [(6,), (1, 7), ()]


def test_stop_tokens_and_sequences_of_them() -> None:
    model, words = script("a", "b", "ab", "b", "ab", ".")
    for stop, wanted in ((8, "ab"), ([3], "ababbab"), ([[7, 8]], "a"), ([[8, 7], 12], "ab"), ([[8, 8]], "ababbab.")):
        pieces, text = written(model, words, "?", 6, stop=stop)
        assert text == wanted, stop
        assert (
            sum((piece.tokens for piece in pieces), ())
            == tuple(WORDS.index(piece) for piece in ("a", "b", "ab", "b", "ab", "."))[
                : {"ab": 2, "a": 1, "ababbab": 5, "ababbab.": 6}[wanted]
            ]
        )
    pieces, _ = written(model, words, "?", 6, stop=[[8, 7], 12])
    assert [piece.tokens for piece in pieces] == [(6,), (7,), ()]  # 8 was held back


def test_characters_are_shown_when_they_are_complete() -> None:
    text = "naïve 日本 🙂"
    tokens = Bytes().encode(text)
    model = Script(tokens, 257)
    pieces, found = written(model, Bytes(), [1], len(tokens))
    assert found == text and not any("\N{REPLACEMENT CHARACTER}" in piece.text for piece in pieces)
    assert [piece.text for piece in pieces if piece.text] == list(text)
    # Cut off in the middle of a character, it is shown as far as it came.
    assert pt.nn.generate(model, "x", 3, tokenizer=Bytes()) == "na\N{REPLACEMENT CHARACTER}"
    for stop, wanted in (("ï", "na"), ("日本", "naïve "), ("🙂", "naïve 日本 ")):
        assert pt.nn.generate(model, "x", len(tokens), tokenizer=Bytes(), stop=stop) == wanted


@pytest.mark.parametrize("seed", range(10))
def test_pieces_together_are_what_generate_gives(seed: int) -> None:
    draw = np.random.default_rng(seed)
    tokens = draw.integers(1, len(WORDS), 40).tolist()
    model, words = Script(tokens, len(WORDS)), Words()
    stop = ["".join(draw.choice(["a", "b", "the", " ", ".", "\n", "e"], 2)) for _ in range(3)]
    wanted, finish = words.decode(tokens), "length"
    for count in range(1, 41):
        text = words.decode(tokens[:count])
        places = [text.find(one) for one in stop if one in text]
        if places:
            wanted, finish = text[: min(places)], "stop"
            break
    pieces, text = written(model, words, "?", 40, stop=stop)
    assert text == wanted == pt.nn.generate(model, "?", 40, tokenizer=words, stop=stop)
    assert [piece.finish for piece in pieces if piece.finish] == [finish]
    kept = [token for piece in pieces for token in piece.tokens]
    assert kept == tokens[: len(kept)] and wanted.startswith(words.decode(kept))


def test_several_prompts_end_by_themselves() -> None:
    class Next(Module):
        """Behind each token the next one of the alphabet."""

        context = 12

        def forward(self, tokens: pt.Tensor) -> pt.Tensor:
            return pt.astype(pt.nn.functional.one_hot((tokens + 1) % 27, 27), "float32")

    letters = Vocabulary.fit("abcdefghijklmnopqrstuvwxyz")
    found = pt.nn.generate(Next(), ["a", "xyz", "k"], 4, tokenizer=letters, stop="e")
    assert found == ["bcd", "\N{REPLACEMENT CHARACTER}abc", "lmno"]
    pieces = list(pt.nn.stream_generate(Next(), ["a", "k"], 4, tokenizer=letters, stop="e"))
    assert [piece.finish for piece in pieces if piece.row == 0][-1] == "stop"
    assert [piece.finish for piece in pieces if piece.row == 1] == [None, None, None, "length"]
    assert sum(piece.finish is not None for piece in pieces) == 2


def test_results_have_the_form_of_the_prompt() -> None:
    model = pt.builtin.models.GPT(20, 8)
    one = pt.nn.generate(model, np.array([1, 2]), 3)
    assert one.shape == (3,) and one.dtype == np.int64
    for several in ([[1, 2], [3]], np.array([[1, 2], [3, 4]]), [np.array([1]), pt.tensor([2, 3])]):
        found = pt.nn.generate(model, several, 3)
        assert isinstance(found, list) and [row.shape for row in found] == [(3,), (3,)]
    assert (pt.nn.generate(model, pt.tensor([1, 2]), 3) == one).all()


@pytest.mark.parametrize(
    ("prompt", "settings", "message"),
    [
        ("a", {}, "the prompt is 'a', without a tokenizer; expected one; pass tokenizer=, or tokens"),
        ([], {}, "the prompt is list; expected a text, a row of whole numbers, or several"),
        (np.zeros((2, 0), int), {}, "the prompt is ndarray; expected rows of at least one token, none below 0"),
        ([-1], {}, "the prompt is list; expected rows of at least one token, none below 0"),
        ([1.5], {}, "the prompt is list; expected a text, a row of whole numbers, or several"),
        ("zz", {"tokenizer": Words()}, "the prompt is 'zz', which has no tokens; expected one at least"),
        ([1], {"stop": "a"}, "stop = 'a' without a tokenizer; expected one"),
        ([1], {"stop": [""], "tokenizer": Words()}, "stop = list; expected at most 64 texts, tokens or sequences"),
        ([1], {"stop": [[]]}, "stop = list; expected at most 64 texts, tokens or sequences of tokens, none of them"),
        ([1], {"stop": list(range(65))}, "stop = list; expected at most 64"),
        ([[1, 2]], {"attention_mask": [[1, 0, 1]]}, "attention_mask is list; expected an array like the tokens"),
        ([[1, 2, 3]], {"attention_mask": [[1, 0, 1]]}, "attention_mask is list; expected an array like the tokens"),
        ([[1, 2]], {"attention_mask": [[0, 0]]}, "attention_mask is list; expected an array like the tokens"),
        ([1], {"max_new_tokens": 0}, "max_new_tokens = 0; expected a whole number from 1"),
        ([1], {"context": 0}, "context = 0; expected a whole number from 1"),
    ],
)
def test_what_cannot_be_continued_is_said(prompt: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(pt.Error) as raised:
        pt.nn.generate(pt.builtin.models.GPT(20, 8), prompt, **settings)
    assert str(raised.value).startswith(f"[generate] {message}")


def test_a_token_outside_of_the_vocabulary_is_an_error_and_no_token_of_others() -> None:
    model = pt.builtin.models.GPT(20, 8)
    with pytest.raises(pt.IndexError):
        pt.nn.generate(model, [25], 3)
    assert pt.nn.generate(model, [5], 3).shape == (3,)
