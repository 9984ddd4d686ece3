"""The line of a seed: a call with hostile arguments, as Python that can be pasted below `PREFACE`."""

from __future__ import annotations

import random
from inspect import Parameter

from attack import plausible
from attack.hostile import TABLE
from attack.subjects import Subject, subjects

PREFACE = """import copy, operator, pickle
import numpy as np
import powertrain as pt
from attack import hostile as H, subjects as S
"""
# How often a value is hostile, a default is replaced, and a call has one argument too many or too few.
HOSTILE, OPTIONAL, SURPLUS, MISSING = 0.4, 0.35, 0.04, 0.04

# {t} is a tensor, slot or module, hostile or not; {v} any value; {f} a function; {n} a number.
MARKS = {"{t}": ("tensors", "modules"), "{v}": tuple(TABLE), "{f}": ("functions",), "{n}": ("numbers",)}
# With semicolons between them.
PROTOCOLS = r"""
{t} + {v} ; {v} - {t} ; {t} * {v} ; {t} / {v} ; {t} // {v} ; {t} % {v} ; {t} ** {v} ; {v} ** {t} ; {t} @ {v}
{v} @ {t} ; {t} & {v} ; {t} | {v} ; {t} << {v} ; {t} >> {v} ; {t} == {v} ; {t} < {v} ; {v} >= {t} ; {v} in {t}
divmod({t}, {v}) ; pow({t}, {v}, {v}) ; {t}[{v}] ; {t}[{v}, {v}] ; {t}[{v}:{v}:{n}] ; {t}[..., None, {v}]
len({t}) ; list({t}) ; iter({t}) ; next(iter({t})) ; bool({t}) ; int({t}) ; float({t}) ; complex({t})
operator.index({t}) ; hash({t}) ; repr({t}) ; str({t}) ; format({t}, {v}) ; round({t}, {v}) ; abs({t}) ; -{t}
+{t} ; ~{t} ; copy.copy({t}) ; copy.deepcopy({t}) ; pickle.dumps({t})
pickle.loads(pickle.dumps({t})[:-7])
pickle.loads(pickle.dumps({t})[:60] + b'\xff' + pickle.dumps({t})[61:]) ; memoryview({t}) ; bytes({t})
np.asarray({t}) ; {t}.__array__({v}) ; {t}.__dlpack__(max_version={v}) ; np.add({t}, {v}) ; np.sum({t})
{t}.T ; {t}.mT ; {t}.real ; {t}.imag ; {t}.device ; {t}.shape ; {t}.dtype ; {t}.ndim
{t}.size ; {t}.strides ; {t}.symbolic ; {t}.is_weak ; {t}.value ; {t}.base ; {t}.offset ; {t}.name
{t}.trainable ; setattr({t}, 'value', {v}) ; setattr({t}, 'name', {v}) ; setattr({t}, 'trainable', {v})
setattr({t}, 'shape', {v}) ; setattr({t}, 'extra', {v}) ; setattr({t}, 'training', {v})
delattr({t}, 'value') ; {t}.nowhere ; {t}({v}) ; setattr(pt.optim.Adam(pt.nn.Linear(3, 4)), 'lr', {v})
isinstance({t}, {v}) ; pt.Tensor({v}) ; pt.Slot({v}, {v}, {v})
pt.DType({v}) ; pt.Slot.value.fset({v}, {v}) ; pt.Tensor.item({v}) ; pt.Tensor.sum({v})
pt.Tensor.shape.fget({v}) ; pt.Tensor.__init__({t}, {v}) ; pt.Slot.__init__(pt.ones(3))
pt.Tensor.__add__({v}, {v}) ; pt.compile({f})({v}, {v}) ; pt.compile({f}, on_nonfinite={v}, limit={v})({t})
pt.compile({f})(a={v}) ; pt.compile()({v}) ; pt.grad({f}, argnums={v})({t}, {t}) ; pt.grad({f})({v})
pt.grad({f}, argnums={n})({t}) ; pt.jacobian({f}, {v})({t}) ; pt.hessian({f})({v}) ; pt.vmap({f})({v})
pt.vmap({f}, in_axes={v})({t}, {t}) ; pt.vmap({f}, {v}, {v})({t}) ; pt.checkpoint({f})({v})
pt.custom_gradient({f})({v}) ; pt.custom_gradient(lambda x: (x * 2, {f}))({t})
pt.grad(pt.custom_gradient(lambda x: ((x * 2).sum(), {f})))({t}) ; pt.vjp({f}, {t})[1]({v})
pt.jvp({f}, ({t},), ({v},)) ; pt.hvp({f}, ({t},), ({t},)) ; pt.vmap(pt.nn.value_and_grad([], {f}))({v}, {v})
pt.value_and_grad({f}, {v})({t}) ; pt.nn.value_and_grad({v}, {f})({v})
pt.nn.value_and_grad([{t}], {f}, {v})() ; pt.scan({f}, {v}, {v})
pt.scan({f}, {t}, {t}, length={n}) ; pt.cond({t}, {f}, {f}, {v}) ; pt.cond({v}, {f}, {f})
pt.while_loop(lambda *s: False, {f}, {v}) ; pt.while_loop({f}, lambda *s: H.refuse(), {t})
pt.compile(lambda x: pt.cond({t}, {f}, {f}, x))({t}) ; pt.autocast({v}).__enter__()
pt.autocast('bf16', {v}).__enter__() ; pt.optim.Adam({v}) ; pt.optim.Adam([{t}], {v})
pt.optim.AdamW(pt.nn.Linear(3, 4), betas={v}, eps={v}) ; pt.optim.SGD(pt.nn.Linear(3, 4), 0.1).update({v})
pt.optim.SGD(pt.nn.Linear(3, 4), 0.1).update([{v}, {v}])
pt.optim.SGD(pt.nn.Linear(3, 4), 0.1).update([{t}, {t}], {v}) ; pt.optim.Adam(pt.nn.Linear(3, 4), groups={v})
pt.nn.Linear(3, 4)({v}) ; pt.nn.Linear(3, 4).load_state_dict({v})
pt.nn.Linear(3, 4).load_state_dict({'weight': {v}, 'bias': {v}}) ; pt.nn.Sequential({v}, {v})({t})
pt.nn.Sequential(pt.nn.Flatten(), pt.nn.Linear(3, 4))({t}) ; pt.data.ArrayDataset(x={v}, y={v})
pt.data.DataLoader({v}, {v}) ; next(iter(pt.data.DataLoader({v}, 2)))
pt.data.DataLoader([1, 2], sampler={v}) ; next(iter(pt.data.DataLoader([1, 2], batch_sampler={v})))
pt.data.DataLoader([1, 2]).load_state_dict({v}) ; pt.data.random_split({v}, {v}) ; pt.data.collate([{v}, {v}])
next(iter(pt.data.DataLoader(pt.data.ArrayDataset(x={v}), 2))) ; pt.data.ArrayDataset(x=np.ones((9, 3))).fetch({v})
pt.random.Generator({v}, {v}).uniform({v}, size={v}) ; pt.random.seed({v}) ; pt.fft.fftshift({t}, axes={v})
pt.sklearn.Classifier().fit({v}, {v}) ; pt.sklearn.KMeans({v}).fit({v})
pt.sklearn.PCA({v}).fit({v}) ; pt.sklearn.Regressor().fit(np.ones((9, 3)), {v})
pt.sklearn.Regressor().fit(np.arange(27.0).reshape(9, 3), np.arange(9.0)).predict({v})
pt.einsum({v}, {t}, {t}) ; pt.einsum('ij,jk', {v}, {v}) ; pt.zeros({n}, {n}) ; pt.zeros({v}).shape
pt.full({v}, {v}, {v}) ; pt.tensor({v}, {v}) ; pt.asarray({v}) ; pt.array_api.from_dlpack({v})
pt.plugin.Kernel('k', {v}, inputs={v}) ; pt.flatten_slots([{t}, {t}], {v}) ; pt.pack([{t}], {v})
pt.flat_like({v}, {v}) ; pt.guard({v}, {v}) ; pt.set_threads({v}) ; pt.recipe.load_recipe({v})
"""


_PROTOCOLS = [line for text in PROTOCOLS.strip().splitlines() for line in text.split(" ; ")]


def any_value(draw: random.Random, kinds: tuple[str, ...] = tuple(TABLE)) -> str:
    return draw.choice(TABLE[draw.choice(kinds)])


def line(seed: int) -> str:
    """The call of a seed."""
    draw = random.Random(f"attack {seed}")
    if draw.random() < 0.3:
        return _protocol(draw)
    subject = draw.choice(subjects())
    return f"{subject.expression}({', '.join(_arguments(draw, subject))})"


def _protocol(draw: random.Random) -> str:
    made = draw.choice(_PROTOCOLS)
    for mark, kinds in MARKS.items():
        while mark in made:
            value = any_value(draw, kinds)
            if mark == "{t}" and draw.random() < 0.5:
                value = draw.choice(plausible.FLOATS)
            if mark == "{f}" and draw.random() < 0.4:
                value = draw.choice(plausible.FUNCTIONS)
            made = made.replace(mark, f"({value})", 1)
    return made


def _arguments(draw: random.Random, subject: Subject) -> list[str]:
    if subject.parameters is None:
        return [any_value(draw) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    given: list[str] = []
    by_name = False
    for parameter in subject.parameters:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            given += [] if by_name else [_value(draw, parameter) for _ in range(draw.choice((0, 1, 2)))]
            continue
        if parameter.kind is Parameter.VAR_KEYWORD:
            continue
        needed = parameter.default is Parameter.empty
        by_name = by_name or parameter.kind is Parameter.KEYWORD_ONLY
        if draw.random() < (MISSING if needed else 1 - OPTIONAL):
            by_name = True
            continue
        value = _value(draw, parameter)
        given.append(f"{parameter.name}={value}" if by_name else value)
    if draw.random() < SURPLUS:
        given.append(f"surplus={any_value(draw)}" if by_name else any_value(draw))
    return given


def _value(draw: random.Random, parameter: Parameter) -> str:
    value = any_value(draw) if draw.random() < HOSTILE else plausible.value(draw, parameter)
    return f"({value})" if value.startswith("lambda") else value
