"""A model with its cache says what it says without one: whatever the lengths, the steps, the batch and the threads."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt
from powertrain.builtin.models import GPT, LSTMLanguageModel
from powertrain.nn import GenerationError, Module
from powertrain.nn.generation.decoders import MOST_KEPT, CachedDecoder, _kept
from powertrain.nn.modes import evaluating
from powertrain.plugin import Inputs

WORDS, CONTEXT = 40, 200


@pytest.fixture(scope="module")
def model() -> GPT:
    """With weights large enough that scores differ by more than rounding."""
    pt.random.seed(5)
    made = GPT(WORDS, CONTEXT, GPT.Params(layers=2, heads=4, width=32, dropout=0.1))
    for slot in made.parameters():
        slot.value = slot.value * 8.0 if slot.ndim == 2 else slot.value
    return made


def text(seed: int, length: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, WORDS, length)


def scores_of(model: GPT, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """Without a cache, behind every token."""
    training = model.training
    try:
        found: NDArray[np.float32] = model.eval()(pt.tensor(tokens[None])).numpy()[0]
    finally:
        model.train(training)
    return found


def assert_near(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    """Attention without a cache sums in blocks of 64 keys, with one over all: other roundings, of sums of 32 to 200
    terms, through two layers."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * float(np.abs(wanted).max()))


def test_each_step_says_what_the_whole_text_does(model: GPT) -> None:
    tokens = text(1, 150)
    wanted = scores_of(model, tokens)
    model.eval()
    decoder = CachedDecoder(model, 1, CONTEXT)
    found = [decoder.scores([tokens[:7]])[0]]
    found += [decoder.scores([tokens[place : place + 1]])[0] for place in range(7, 150)]
    model.train()
    assert_near(np.array(found), wanted[6:])


def test_how_tokens_come_changes_no_bit(model: GPT) -> None:
    """One by one, in any pieces, at once; alone and in a batch of other lengths."""
    model.eval()
    tokens = text(2, 120)
    one = CachedDecoder(model, 1, CONTEXT)
    whole = one.scores([tokens])[0]
    for cuts in ([1, 2, 3], [64], [16, 80, 81], list(range(1, 120))):
        one.begin()
        for part in np.split(tokens, cuts):
            found = one.scores([part])[0]
        assert found.tobytes() == whole.tobytes(), cuts
    several = [text(3, 9), tokens, text(4, 1), text(5, 65)]
    together = CachedDecoder(model, 4, 128)
    for place in range(3):
        found = together.scores(several if place == 0 else [text(row, 10)[place : place + 1] for row in range(4)])
        for row, prompt in enumerate(several):
            one.begin()
            alone = one.scores([np.concatenate([prompt, text(row, 10)[1 : place + 1]])])[0]
            assert found[row].tobytes() == alone.tobytes(), (place, row)
    model.train()


def test_positions_need_no_programs_of_their_own_and_the_cache_stays_in_place(model: GPT) -> None:
    model.eval()
    decoder = CachedDecoder(model, 2, 128)
    decoder.scores([text(1, 3), text(2, 5)])
    decoder.scores([text(1, 1), text(2, 1)])
    before = decoder._step.traces
    homes = [slot.value.numpy().ctypes.data for slot in decoder._cache.keys]
    for place in range(30):
        decoder.scores([text(place, 1), text(place + 1, 1)])
    assert decoder._step.traces == before == 2
    assert [slot.value.numpy().ctypes.data for slot in decoder._cache.keys] == homes
    assert "put_rows" in decoder._step.describe() and "copy put_rows" not in decoder._step.describe()
    model.train()


def test_generating_leaves_the_mode_of_every_part(model: GPT) -> None:
    model.train()
    model.blocks[0].eval()
    before = [module.training for module in model.modules()]
    first = pt.nn.generate(model, [1, 2], 5)
    assert [module.training for module in model.modules()] == before and not all(before)
    assert (pt.nn.generate(model.eval(), [1, 2], 5) == first).all()  # without dropout both times
    model.train()


def test_who_leaves_first_does_not_train_the_model_of_another(model: GPT) -> None:
    """Two threads that generate take turns with the steps of one model; its dropout stays off until both have done."""
    model.train()
    model.blocks[0].eval()
    before = [module.training for module in model.modules()]
    first, second = evaluating(model), evaluating(model)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(module.training for module in model.modules())
    second.__exit__(None, None, None)
    assert [module.training for module in model.modules()] == before
    model.train()


def test_threads_that_generate_with_one_model_in_training_write_what_one_alone_does(model: GPT) -> None:
    wanted = [pt.nn.generate(model.eval(), [place, 2], 30).tolist() for place in range(4)]
    model.train()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: pt.nn.generate(model, [place, 2], 30).tolist(), range(4)))
    assert found == wanted and model.training


def test_the_same_tokens_on_any_number_of_threads(model: GPT) -> None:
    found = []
    for count in (1, 2, 4, 7):
        pt.set_threads(count)
        found.append(pt.nn.generate(model, [text(1, 5), text(2, 30)], 40, temperature=1.0, top_p=0.9, seed=11))
    for other in found[1:]:
        assert all((a == b).all() for a, b in zip(found[0], other, strict=True))


def test_a_sequence_depends_on_its_seed_and_place_not_on_the_others(model: GPT) -> None:
    settings = {"temperature": 1.0, "top_k": 20}
    first, second, third = text(1, 5), text(2, 9), text(3, 70)
    a, b = pt.nn.generate(model, [first, second], 30, seed=4, **settings)
    c, d = pt.nn.generate(model, [first, third], 30, seed=4, **settings)
    other = pt.nn.generate(model, [first], 30, seed=5, **settings)[0]
    assert (a == c).all() and not (b == d).all() and not (a == other).all()
    assert (pt.nn.generate(model, first, 30, seed=4, **settings) == a).all()


def test_padding_in_front_and_behind_is_not_read(model: GPT) -> None:
    rows = [text(1, 4), text(2, 7), text(3, 1)]
    alone = [pt.nn.generate(model, row, 12) for row in rows]
    left, right = np.full((3, 7), 9), np.full((3, 7), 9)
    for number, row in enumerate(rows):
        left[number, 7 - len(row) :], right[number, : len(row)] = row, row
    lengths = np.array([[4], [7], [1]])
    masks = np.arange(7) >= 7 - lengths, np.arange(7) < lengths
    for padded, mask in zip((left, right), masks, strict=True):
        found = pt.nn.generate(model, padded, 12, attention_mask=mask.astype(np.int64))
        assert all((a == b).all() for a, b in zip(found, alone, strict=True))


def test_a_text_that_outgrows_the_context_goes_on_from_its_last_half() -> None:
    pt.random.seed(6)
    small = GPT(WORDS, 16, GPT.Params(layers=1, heads=2, width=16)).eval()
    small.wte.weight.value = small.wte.weight.value * 20.0
    held, wanted = text(1, 10).tolist(), []
    for _ in range(40):
        if len(held) > 16:
            del held[:-8]
        token = int(scores_of(small, np.array(held))[-1].argmax())
        held.append(token)
        wanted.append(token)
    assert pt.nn.generate(small, text(1, 10), 40).tolist() == wanted
    assert pt.nn.generate(small, text(2, 100), 1).tolist() == [scores_of(small, text(2, 100)[-8:])[-1].argmax()]


def test_a_model_without_a_cache_reads_its_window() -> None:
    lstm = LSTMLanguageModel(WORDS, LSTMLanguageModel.Params(8, 16)).eval()
    tokens = text(1, 3).tolist()
    for _ in range(20):
        tokens.append(int(lstm(pt.tensor([tokens[-8:]])).numpy()[0, -1].argmax()))
    assert pt.nn.generate(lstm, tokens[:3], 20, context=8).tolist() == tokens[3:]
    with pytest.raises(
        GenerationError, match=r"LSTMLanguageModel has neither new_cache nor context; expected how many"
    ):
        pt.nn.generate(lstm, [1], 1)


def test_a_model_that_sees_what_comes_after_is_refused() -> None:
    class Both(Module):
        context = 6

        def forward(self, tokens: pt.Tensor) -> pt.Tensor:
            marks = pt.nn.functional.one_hot(tokens, 5)
            return pt.astype(marks + pt.sum(marks, axis=1, keepdims=True), "float32")

    with pytest.raises(GenerationError, match=r"^\[generate\] Both sees what comes after a token; expected a causal"):
        pt.nn.generate(Both(), [1, 2], 3)


def test_what_was_generated_keeps_no_model_alive() -> None:
    made = GPT(WORDS, 16, GPT.Params(layers=1, heads=2, width=16))
    pt.nn.generate(made, [1], 3)
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None


def test_two_streams_of_one_model_do_not_mix(model: GPT) -> None:
    first, second = text(1, 5), text(2, 8)
    wanted = [pt.nn.generate(model, row, 10).tolist() for row in (first, second)]
    streams = [pt.nn.stream_generate(model, row, 10) for row in (first, second)]
    found: list[list[int]] = [[], []]
    for pieces in zip(*streams, strict=True):
        for tokens, piece in zip(found, pieces, strict=True):
            tokens += piece.tokens
    assert found == wanted


def test_streams_by_turns_take_the_decoders_of_those_before(model: GPT) -> None:
    """Each has programs and a cache, which are made once and not for every stream."""
    model.eval()

    def several(count: int) -> list[CachedDecoder]:
        streams = [pt.nn.stream_generate(model, [place, 3], 5) for place in range(count)]
        for stream in streams:
            next(stream)
        for stream in streams:
            stream.close()
        return [one for _, one in _kept[model]]

    first = several(3)
    assert {id(one) for one in several(3)} == {id(one) for one in first} and len(first) >= 3
    assert len(several(MOST_KEPT + 3)) == MOST_KEPT
    list(pt.nn.stream_generate(model, [[1, 2]] * 100, 100))  # a large cache; beside it the others may stay
    assert [one.batch for _, one in _kept[model]][-1] == 100
    list(pt.nn.stream_generate(model, [1, 2], 5))
    assert [one.batch for _, one in _kept[model]] == [1]


def test_weights_that_change_are_seen(model: GPT) -> None:
    before = pt.nn.generate(model, [3], 10)
    held = model.wte.weight.value
    model.wte.weight.value = held[::-1]
    other = pt.nn.generate(model, [3], 10)
    model.wte.weight.value = held
    assert not (other == before).all() and (pt.nn.generate(model, [3], 10) == before).all()


def test_other_dtypes_and_the_cache_of_each() -> None:
    inputs = Inputs("language", (16,), WORDS, "int64", context=16)
    made = GPT.build(GPT.Params(layers=1, heads=2, width=16), inputs)
    tokens = pt.nn.generate(made, [1, 2], 6)
    for dtype, held in (("float64", "float64"), ("bfloat16", "float32")):
        twin = made.clone().to(dtype)
        assert twin.new_cache(1, 16).keys[0].dtype.name == held
        found = pt.nn.generate(twin, [1, 2], 6)
        assert (found == tokens).all() or dtype == "bfloat16"
