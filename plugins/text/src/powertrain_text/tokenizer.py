"""A tokenizer of the library `tokenizers`, fitted on training text alone. What it learned is bytes: a slot."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from powertrain.data import DataError

Kind = Literal["byte-bpe", "wordpiece"]
# Token 0 is none of the text's own: the masked strategy writes it over what is to be guessed.
MASK, PAD, UNKNOWN, FIRST = "[MASK]", "[PAD]", "[UNK]", "[CLS]"
LAST = "[SEP]"  # behind a text, of BERT's own tokenizers
SPECIAL = (MASK, PAD, UNKNOWN, FIRST)
MOST_LETTERS = 1000  # of a wordpiece alphabet; rarer ones are unknown
PADDING, BEGIN = SPECIAL.index(PAD), SPECIAL.index(FIRST)


def _letters_of_bytes() -> dict[str, int]:
    """The letter that a byte-level tokenizer writes for each byte: itself where it prints, else one from 256 on
    (Radford et al. 2019)."""
    prints = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in prints]
    return {chr(byte): byte for byte in prints} | {chr(256 + place): byte for place, byte in enumerate(others)}


_BYTES = _letters_of_bytes()


def library() -> Any:
    """The module tokenizers, where it is installed."""
    # It warns about its own threads when a process forks; the environment decides where somebody has set it.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ImportError:
        raise DataError(
            "tokenizer", "tokenizers is not installed", "expected it, to cut texts into tokens",
            "pip install powertrain-text[tokenizers]",
        ) from None  # fmt: skip
    return tokenizers


class Tokenizer:
    """Texts to numbers and back.

    byte-bpe    pairs of bytes, merged by frequency (the form of GPT-2): any text comes back as it was
    wordpiece   parts of lower-case words (the form of BERT)

    With `plain`, what looks like a special token in a text is text, as in what a stranger wrote.
    """

    def __init__(self, text: str, plain: bool = False) -> None:
        made = library().Tokenizer
        try:
            self._made = made.from_str(text)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the library raises Exception itself, and a panic of it is none
            raise DataError(
                "tokenizer", f"a state that it cannot read: {error}",
                "expected what Tokenizer.state() gave, or a whole tokenizer.json",
                "resume with the data and versions of run.lock, or fetch the file again",
            ) from None  # fmt: skip
        self._made.encode_special_tokens = plain
        self.plain = plain
        # Of our own ones; others may have none, and an end, which ours have not.
        self._begin, self._padding, self._end = (self._made.token_to_id(name) for name in (FIRST, PAD, LAST))

    @classmethod
    def fit(cls, texts: Iterable[str], kind: Kind, size: int) -> Tokenizer:
        """Learn at most `size` tokens from texts."""
        lines = list(texts)
        made = _byte_bpe(lines, size) if kind == "byte-bpe" else _wordpiece(lines, size)
        return cls(made.to_str())

    def __len__(self) -> int:
        return int(self._made.get_vocab_size())

    def encode(self, text: str) -> Any:
        """The tokens of a text; a text of none is one token where there is [CLS], since a model needs something to
        begin with."""
        tokens = self._made.encode(text, add_special_tokens=False).ids
        return np.array(tokens or ([] if self._begin is None else [self._begin]), dtype=np.int64)

    def special(self, name: str) -> int | None:
        """The number of a special token, such as <|im_end|>; None where there is none of that name."""
        found = self._made.token_to_id(name)
        return None if found is None else int(found)

    def token_bytes(self) -> list[bytes]:
        """What each token writes, in UTF-8; nothing for special tokens. Of tokenizers of bytes alone."""
        described = json.loads(self._made.to_str())
        if "ByteLevel" not in json.dumps(described.get("decoder"), allow_nan=False):
            raise DataError(
                "tokenizer", "tokens that are not sequences of bytes", "expected a byte-level tokenizer, whose tokens "
                "can be put together freely", "use one of kind byte-bpe",
            )  # fmt: skip
        special = {one["id"] for one in described["added_tokens"] if one["special"]}
        out = [b""] * len(self)
        for text, number in self._made.get_vocab(with_added_tokens=True).items():
            if number < len(out) and number not in special:
                out[number] = bytes(_BYTES[letter] for letter in text if letter in _BYTES)
        return out

    def rows(self, texts: Iterable[str], length: int) -> Any:
        """One row of `length` tokens for each text: [CLS], the text's own, [SEP] where there is one, then padding; what
        is too long is cut."""
        if self._begin is None or self._padding != PADDING:
            raise DataError(
                "tokenizer", f"a tokenizer without {FIRST} or {PAD}", "expected one of an encoder",
                "take minilm, or fit a tokenizer: leave tokenizer out",
            )  # fmt: skip
        made = self._made.encode_batch(list(texts), add_special_tokens=False)
        out = np.full((len(made), length), PADDING, dtype=np.int64)
        out[:, 0] = self._begin
        end = [] if self._end is None else [self._end]
        for row, one in zip(out, made, strict=True):
            tokens = [*one.ids[: length - 1 - len(end)], *end]
            row[1 : 1 + len(tokens)] = tokens
        return out

    def decode(self, tokens: Any) -> str:
        return str(self._made.decode(np.asarray(tokens).ravel().tolist(), skip_special_tokens=True))

    def state(self) -> dict[str, Any]:
        """The library's own JSON, as bytes, and whether special tokens of a text are text."""
        found = {"tokenizer": np.frombuffer(self._made.to_str().encode(), dtype=np.uint8)}
        return found | ({"plain": np.ones((), dtype=np.uint8)} if self.plain else {})

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Tokenizer:
        text = np.asarray(state["tokenizer"], dtype=np.uint8).tobytes().decode("utf-8", "replace")
        return cls(text, plain="plain" in state)

    @classmethod
    def of_words(cls, words: list[str]) -> Tokenizer:
        """BERT's own, of the lines of vocab.txt, for lower-case text. Padding has our number; what had that has the
        other."""
        numbers = {word: number for number, word in enumerate(words)}
        missing = [name for name in (*SPECIAL, LAST) if name not in numbers]
        if missing or len(numbers) != len(words):
            raise DataError(
                "tokenizer", f"{len(words):,} words without {', '.join(missing)}" if missing else "words that repeat",
                "expected vocab.txt of a BERT", "fetch the model again",
            )  # fmt: skip
        numbers[words[PADDING]], numbers[PAD] = numbers[PAD], PADDING
        made = _of_wordpieces(library().models.WordPiece(vocab=numbers, unk_token=UNKNOWN))
        made.add_special_tokens([*SPECIAL, LAST])
        return cls(made.to_str(), plain=True)


def _byte_bpe(texts: list[str], size: int) -> Any:
    parts = library()
    made = parts.Tokenizer(parts.models.BPE())
    made.pre_tokenizer = parts.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = parts.decoders.ByteLevel()
    trainer = parts.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(parts.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return made


def _of_wordpieces(model: Any) -> Any:
    parts = library()
    made = parts.Tokenizer(model)
    made.normalizer = parts.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = parts.pre_tokenizers.BertPreTokenizer()
    made.decoder = parts.decoders.WordPiece()
    return made


def _wordpiece(texts: list[str], size: int) -> Any:
    parts = library()
    made = _of_wordpieces(parts.models.WordPiece(unk_token=UNKNOWN))
    counts = Counter("".join(made.normalizer.normalize_str(text) for text in texts))
    common = sorted((-count, letter) for letter, count in counts.items() if not letter.isspace())
    letters = sorted(letter for _, letter in common[:MOST_LETTERS])
    # The library numbers letters inside of words in the order of a hash table, which differs each time, and by those
    # numbers decides ties between pairs. Named in advance, they keep theirs.
    inside = [f"##{letter}" for letter in letters]
    trainer = parts.trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*SPECIAL, *inside],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    learned = _of_wordpieces(parts.models.WordPiece(vocab=made.get_vocab(), unk_token=UNKNOWN))
    learned.add_special_tokens(list(SPECIAL))
    return learned
