"""`generate` and `stream_generate`: continue sequences of tokens, or texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from powertrain.nn import checks
from powertrain.nn.generation.decoders import decoder
from powertrain.nn.generation.prompts import Prompts
from powertrain.nn.generation.sampling import Chooser, Sampling
from powertrain.nn.generation.sequence import Continuation, StopLike, Stops, Written
from powertrain.nn.modes import evaluating

if TYPE_CHECKING:
    from powertrain.nn.generation.protocols import Constraint, TextCodec
    from powertrain.nn.module import Module
    from powertrain.typing import TensorLike

Tokens: TypeAlias = NDArray[np.int64]


def stream_generate(
    model: Module,
    prompt: str | TensorLike | Sequence[str] | Sequence[TensorLike],
    max_new_tokens: int = 256,
    *,
    tokenizer: TextCodec | None = None,
    attention_mask: TensorLike | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop: StopLike = (),
    seed: int = 0,
    constraint: Constraint | None = None,
    context: int | None = None,
) -> Iterator[Written]:
    """Continue one or several prompts, and give each piece as soon as it is certain.

    The arguments are those of `generate`. Of several prompts the pieces come by turns; `row` says whose they are. What
    may be the beginning of a stop sequence is held back until it is known.

    Example
        >>> model = pt.builtin.models.GPT(vocabulary=20, context=8)
        >>> [len(piece.tokens) for piece in pt.nn.stream_generate(model, [3, 5], max_new_tokens=3)]
        [1, 1, 1]
    """
    settings = Sampling(temperature, top_k, top_p, min_p, repetition_penalty, seed)
    checks.sizes("generate", 1, max_new_tokens=max_new_tokens)
    stops = Stops.of(stop, tokenizer)
    prompts = Prompts.of(prompt, attention_mask, tokenizer)
    return _pieces(model, prompts, max_new_tokens, settings, stops, tokenizer, constraint, context)


def _pieces(
    model: Module,
    prompts: Prompts,
    most: int,
    settings: Sampling,
    stops: Stops,
    tokenizer: TextCodec | None,
    constraint: Constraint | None,
    context: int | None,
) -> Iterator[Written]:
    writers = [
        _Writer(prompt, row, most, settings, stops, tokenizer, constraint) for row, prompt in enumerate(prompts.rows)
    ]
    longest = max(len(prompt) for prompt in prompts.rows) + most
    with decoder(model, len(writers), longest, context) as source:
        new = prompts.rows
        while any(len(tokens) for tokens in new):
            with evaluating(model):
                scores = source.scores(new)
            new = [
                writer.step(row) if len(tokens) else tokens
                for writer, row, tokens in zip(writers, scores, new, strict=True)
            ]
            for writer in writers:
                piece = writer.piece()
                if piece is not None:
                    yield piece


class _Writer:
    """One sequence of a batch: it chooses its tokens until it ends."""

    def __init__(
        self,
        prompt: Tokens,
        row: int,
        most: int,
        settings: Sampling,
        stops: Stops,
        tokenizer: TextCodec | None,
        constraint: Constraint | None,
    ) -> None:
        self._row, self._left, self._stops, self._constraint = row, most, stops, constraint
        self._written = Continuation(prompt, stops, tokenizer)
        self._choose = Chooser(settings, row)
        self._choose.note(prompt)
        self._state = 0 if constraint is None else constraint.start
        self._told = False

    def step(self, scores: NDArray[Any]) -> Tokens:
        """Choose the next token; nothing where the sequence has ended, so that the model does not read it."""
        self._left -= 1
        written, constraint = self._written, self._constraint
        ends: list[int] = []
        if constraint is None:
            token = self._choose(scores)
        else:
            allowed = constraint.mask(self._state, self._left)
            ends = self._stops.single if constraint.complete(self._state) else []
            if ends:
                allowed = allowed.copy()
                allowed[ends] = True
            token = self._choose(scores, allowed)
        written.add(token)
        if constraint is not None and token not in ends:
            self._state = constraint.next(self._state, token)
            if constraint.closed(self._state) and written.finish is None:
                written.end("stop")
        if self._left == 0 and written.finish is None:
            written.end("length")
        return np.array([token] if written.finish is None else [], dtype=np.int64)

    def piece(self) -> Written | None:
        """What is new and certain, if anything is."""
        if self._told:
            return None
        tokens, text = self._written.released()
        finish = self._written.finish
        self._told = finish is not None
        return Written(self._row, tokens, text, finish) if tokens or text or finish else None


@overload
def generate(model: Module, prompt: str, max_new_tokens: int = 256, **settings: Any) -> str: ...
@overload
def generate(model: Module, prompt: Sequence[str], max_new_tokens: int = 256, **settings: Any) -> list[str]: ...
@overload
def generate(
    model: Module, prompt: TensorLike | Sequence[TensorLike], max_new_tokens: int = 256, **settings: Any
) -> Tokens | list[Tokens]: ...
def generate(  # type: ignore[misc]  # the forms above leave out the settings, which are the same for all
    model: Module,
    prompt: str | TensorLike | Sequence[str] | Sequence[TensorLike],
    max_new_tokens: int = 256,
    *,
    tokenizer: TextCodec | None = None,
    attention_mask: TensorLike | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    stop: StopLike = (),
    seed: int = 0,
    constraint: Constraint | None = None,
    context: int | None = None,
) -> str | list[str] | Tokens | list[Tokens]:
    """Continue one or several prompts; gives what is new, without the prompt.

    * `prompt`: a text or a list of texts, with a tokenizer. Or a row of tokens, several of any lengths, or an array
      [batch, time] with its attention_mask, where tokens are padded in front or behind.
    * `temperature`: 0 takes the likeliest token each time. 1 draws by the model's probabilities, lower is more careful.
    * `top_k`: draw among the k likeliest tokens.
    * `top_p`: draw among the fewest tokens whose probabilities reach p.
    * `min_p`: draw among tokens at least p times as likely as the likeliest.
    * `repetition_penalty`: above 1, tokens that occurred in prompt or text become less likely.
    * `stop`: texts, tokens, or sequences of tokens that end a sequence, and are no part of it.
    * `seed`: a sequence depends on the seed, its number in the batch and its prompt, not on the others.
    * `constraint`: which tokens may follow, such as those of a JSON schema (powertrain_text.JsonSchema).
    * `context`: how many tokens a model reads at once that does not say so itself.

    A model with `new_cache` reads each token once. A sequence that outgrows the model's context goes on from its last
    half. Other causal models read their whole window for each token.

    Errors    a setting out of its range; a prompt without tokens; scores that are not finite; nothing allowed
    Example
        >>> model = pt.builtin.models.GPT(vocabulary=20, context=8)
        >>> pt.nn.generate(model, [3, 5, 7], max_new_tokens=4).shape
        (4,)
    """
    given = Prompts.of(prompt, attention_mask, tokenizer)
    tokens: list[list[int]] = [[] for _ in given.rows]
    texts = [""] * len(given.rows)
    for piece in stream_generate(
        model,
        given.rows,
        max_new_tokens,
        tokenizer=tokenizer,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        stop=stop,
        seed=seed,
        constraint=constraint,
        context=context,
    ):
        tokens[piece.row].extend(piece.tokens)
        texts[piece.row] += piece.text
    if given.texts:
        return texts[0] if given.alone else texts
    arrays = [np.array(row, dtype=np.int64) for row in tokens]
    return arrays[0] if given.alone else arrays
