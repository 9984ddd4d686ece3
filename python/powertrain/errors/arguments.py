"""Arguments that a function does not take: an error that says what was received, what is taken, and what was meant."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from powertrain import _core
from powertrain.errors.estimator_counterparts import ESTIMATOR_CLASSES, SETTINGS

_SHOWN: Final = 40

# Keywords of PyTorch's and NumPy's functions, and ours in their place: the first that a function has.
_KEYWORDS: Final = {
    "dim": ("axis", "axes"),
    "dims": ("axis", "axes"),
    "keepdim": ("keepdims",),
    "start_dim": ("start_axis",),
    "end_dim": ("end_axis",),
    "dim0": ("axis1",),
    "dim1": ("axis2",),
    "ddof": ("correction",),
    "shifts": ("shift",),
    "diagonal": ("k",),
    "a_min": ("min",),
    "a_max": ("max",),
    "sections": ("parts",),
    "unbiased": ("correction",),
    "steps": ("num",),
    "size": ("shape",),
    "p": ("ord",),
    "replacement": ("replace",),
    "num_samples": ("size",),
    "in_dims": ("in_axes",),
    "out_dims": ("out_axes",),
}
# Keywords that nothing takes here, and why.
_LEFT_OUT: Final = {
    "activation": "no activation; put a module behind it, pt.nn.Sequential(layer, pt.nn.ReLU())",
    "copy": "no copy: a value never changes, and x.copy() has memory of its own; leave it out",
    "dtype": "no dtype; convert the tensor first, x.astype(dtype)",
    "initial": "no initial; combine it with the result, as pt.maximum(x.max(), initial)",
    "decimals": "no decimals; write Python's own round(x, decimals), which takes tensors",
    "inplace": "False: tensors never change; leave it out and use the result",
    "memory_format": "no memory_format: images are [batch, height, width, channels]; leave it out",
    "non_blocking": "no non_blocking: nothing waits for a copy until it is read; leave it out",
    "order": "no order: elements are counted row by row; leave it out, or transpose for columns first",
    "out": "no out: tensors never change; leave it out and use the result",
    "requires_grad": "no requires_grad: pt.grad(fn)(x) takes a gradient; leave it out",
    "as_tuple": "no as_tuple: it is always a tuple, an array of places for each axis; leave it out",
    "where": "no where; select the elements first, x[mask], or replace the others, pt.where(mask, x, 0)",
}
# What to write where a function lacks an argument, or is given one too many (""), as other libraries allow.
_ADVICE: Final = {
    ("repeat", ""): "write x.tile((1, 2, 3)) to repeat the whole along each axis, as PyTorch's x.repeat(1, 2, 3)",
    (
        "split",
        "parts",
    ): "write pt.array_split(x, [2, 5]), the positions of the cuts, for PyTorch's sizes [2, 3, 4]",
    ("TrainedRun.evaluate", ""): "write run.evaluate((x, y)), a tuple of both",
    ("checkpoint", ""): "write pt.checkpoint(function)(x)",
    ("fit", ""): "write pt.fit(model=model, data=(x, y)), or pt.fit(recipe) with the name of a recipe",
    ("round", ""): "write Python's own round(x, decimals), which takes tensors",
    ("where", "a"): "write pt.nonzero(condition) for the places where it is true",
}
_FIRST, _SECOND = frozenset({"input", "x", "a", "tensor", "x1"}), frozenset({"other", "x2", "b"})


def keyword(
    where: str, inputs: Sequence[str], settings: Sequence[str], name: str, call: Mapping[str, Any]
) -> str | None:
    """The advice for a keyword that another library has and this function lacks; None for any other keyword. `call` has
    the arguments by name, of which `name` is one."""
    value, ours = call[name], _ours(name, settings)
    if ours is not None:
        line = _line(where, inputs, settings, name, call)
        return f"[{where}] received {name}={written(value)}; expected {ours}; write {line}"
    if name in _LEFT_OUT:
        return f"[{where}] received {name}={shown(value)}; expected {_LEFT_OUT[name]}"
    place = 0 if name in _FIRST else 1 if name in _SECOND else len(inputs)
    if place >= len(inputs):
        return None
    return f"[{where}] received {name}; expected {inputs[place]}; write {where}({', '.join(inputs)})"


def _ours(name: str, settings: Sequence[str]) -> str | None:
    return next((one for one in _KEYWORDS.get(name, ()) if one in settings), None)


def _line(where: str, inputs: Sequence[str], settings: Sequence[str], name: str, call: Mapping[str, Any]) -> str:
    """The whole call in our words: what it needs by its names, the keyword at fault, and the settings that it had."""
    given = {}
    for one in sorted(call, key=name.__ne__):
        ours = _ours(one, settings) or one
        if ours in settings and (one == name or ours not in inputs):
            given[ours] = int(bool(call[one])) if one == "unbiased" else call[one]
    needed = [one for one in inputs if one not in given]
    return f"{where}({', '.join([*needed, *(f'{one}={written(value, one)}' for one, value in given.items())])})"


def of_estimator(where: str, names: Sequence[str], name: str, value: str) -> str | None:
    """The advice for a setting of scikit-learn that an estimator of ours lacks; None for all else."""
    if where not in ESTIMATOR_CLASSES or name not in SETTINGS:
        return None
    ours, line = SETTINGS[name]
    if ours and ours not in names:
        return None
    return f"[{where}] received {name}={value}; expected {f'{ours}; write {line}' if ours else line}"


def written(value: Any, name: str = "") -> str:
    """A value as it is written in a call; by its name where that would be long."""
    if isinstance(value, (tuple, list)) and all(type(one) is int for one in value):
        return repr(value)
    plain = value is None or type(value) in (bool, int, float, complex, str, _core.DType)
    return shown(value) if plain or not name else name


def advice(op: str, argument: str) -> str | None:
    """What to write where a function lacks an argument, or has one too many (""); None if there is nothing to say."""
    return _ADVICE.get((op, argument))


def of_none(op: str) -> str:
    """What to write where None is given to an op in place of a tensor."""
    return {"equal": "write x is None", "not_equal": "write x is not None"}.get(op, "pass one")


def refused(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _core.DTypeError | None:
    """The error for a call of one of the engine's functions that Python refused before it began."""
    called, given = name_of(function, args), args[1:] if is_method(function) else args
    known = [p for p in inspect.signature(function).parameters.values() if p.name not in ("self", "cls")]
    places = [p for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    by_name = [p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    kinds = {p.kind for p in known}
    taken = f"{called}{'.forward' if function.__name__ == 'forward' else ''}{signature(function)}"
    unknown = [name for name in kwargs if name not in by_name and inspect.Parameter.VAR_KEYWORD not in kinds]
    if unknown:
        needed = [p.name for p in places if p.default is p.empty]
        call = {**dict(zip((p.name for p in places), given, strict=False)), **kwargs}
        return _core.DTypeError(_unknown(called, needed, by_name, unknown[0], call))
    if len(given) > 1 and places and places[0].name == "shape" and all(type(one) is int for one in given):
        rest = "".join(f", {name}={shown(value)}" for name, value in kwargs.items())
        return _core.DTypeError(
            f"[{called}] received {len(given)} numbers; expected one shape; write {called}({tuple(given)}{rest})"
        )
    if len(given) > len(places) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        most = f"at most {len(places)}" if places else "none"
        one = "argument" if len(given) == 1 else "arguments"
        fix = "pass the others by keyword" if len(by_name) > len(places) else "leave the others out"
        known_fix = advice(called, "")
        end = f"; {known_fix}" if known_fix else f", as in {taken}; {fix}"
        return _core.DTypeError(f"[{called}] received {len(given)} positional {one}; expected {most}{end}")
    first = {p.name for p in places[: len(given)]}
    twice = next((name for name in kwargs if name in first), None)
    if twice is not None:
        return _core.DTypeError(f"[{called}] received {twice} twice; expected {taken}; drop the keyword")
    missing = [
        p.name
        for p in known
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in first
        and p.name not in kwargs
    ]
    return _core.DTypeError(f"[{called}] received no {missing[0]}; expected {taken}; pass it") if missing else None


def _unknown(where: str, needed: Sequence[str], names: Sequence[str], name: str, call: Mapping[str, Any]) -> str:
    said = of_estimator(where, names, name, shown(call[name])) or keyword(where, needed, names, name, call)
    if said:
        return said
    close = difflib.get_close_matches(name, names, 1)
    listed = f"one of {', '.join(names)}" if len(names) > 1 else "".join(names) or "no keyword"
    fix = f"did you mean {close[0]}?" if close else "leave it out"
    return f"[{where}] received {name}={shown(call[name])}; expected {listed}; {fix}"


def name_of(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """What a caller knows a function or a method as: a constructor, and what Python calls by a sign of its own, by the
    class of the engine that the object is of."""
    name = function.__qualname__.partition(".<locals>")[0].rpartition(".")[2]
    if not is_method(function):
        return name.lstrip("_")
    if not args:
        return function.__qualname__
    cls = args[0] if isinstance(args[0], type) else type(args[0])
    ours = next((base for base in cls.__mro__ if base.__module__.partition(".")[0] == "powertrain"), cls).__name__
    return ours if name.startswith("__") or name == "forward" else f"{ours}.{name.lstrip('_')}"


def is_method(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(function).parameters), "") in ("self", "cls")


def shown(value: Any) -> str:
    """A value in a few characters, without asking anything of a stranger's class."""
    kind = type(value)
    if kind is _core.Tensor:
        return f"{value.dtype.name}{list(value.shape)}"
    if kind is _core.DType:
        return repr(value.name)
    if value is None or kind in (bool, float, complex, str, bytes) or (kind is int and value.bit_length() <= 128):
        text = repr(value[:_SHOWN] if kind in (str, bytes) else value)
        return f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text
    return kind.__name__


def signature(function: Callable[..., Any]) -> str:
    known = inspect.signature(function)
    bare = [
        parameter.replace(annotation=parameter.empty)
        for parameter in known.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    return str(known.replace(parameters=bare, return_annotation=known.empty))
