"""Runs one line and says what is wrong with how it ended; None for what may be."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import signal
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt
from attack import hostile
from attack.lines import PREFACE

CALL = "<the call>"
LONG = 90  # seconds after which a call is interrupted
# `[where] what was received; what was expected; how to fix it`.
OURS = re.compile(r"\[.+\] .+; .+", re.DOTALL)
# What Python itself says of a number of arguments, before a function begins.
ARITY = re.compile(r"[\w>]\(\) (missing \d+ required |takes .*argument|got (an unexpected|some|multiple values))")
# What it says of an object that has no such question, and of a wrong answer to one.
PYTHON = re.compile(
    "|".join(
        (
            "unsupported operand type",
            "bad operand type",
            "not supported between",
            "object is not (callable|iterable|subscriptable|reversible|an iterator)",
            r"has no len\(\)",
            "unhashable type",
            "unsupported format string",
            "cannot pickle",
            "is not a container or iterable",
            "argument of type .* is not iterable",
            "argument must be ",
            "argument 2 must be str",
            "arg 2 must be a type",
            "a bytes-like object is required",
            "cannot be interpreted as an integer",
            "cannot convert '.*' object to bytes",
            "does not support ufuncs",  # what a tensor says to NumPy by __array_ufunc__ = None
            "doesn't define __",
            "3rd argument not allowed",
            "descriptor '.*' requires",
            "does not support item (assignment|deletion)",
            "expected at (least|most) ",
        )
    )
)

# Raised by the question itself, not by the answer.
QUESTIONS = (AttributeError, StopIteration)


class Stopped(BaseException):
    """What a call that takes long is interrupted with."""


def namespace() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(PREFACE, names)
    return names


def run(line: str) -> str | None:
    """What is wrong with the end of a line."""
    names = namespace()
    code = compile(line, CALL, "eval")
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(LONG)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            eval(code, names)
        except BaseException as error:
            return judge(error, line)
        finally:
            signal.alarm(0)
            pt.set_threads(2)
    return None


def _stop(*_: object) -> None:
    raise Stopped


def judge(error: BaseException, line: str) -> str | None:
    kind = type(error)
    if isinstance(error, Stopped):
        # The sum of a trillion numbers takes its time, and ended when it was asked to; of code of ours nothing may.
        asked = _frames(error)[-2]  # where it was interrupted: the last frame is that of the handler
        return None if asked.filename == CALL else f"not done after {LONG} s in {asked.filename}:{asked.lineno}"
    if isinstance(error, hostile.OwnError) or _from_attacker(error):
        return None
    try:
        told = str(error)
    except Exception:
        told = "(its text raises)"
    if isinstance(error, pt.Error):
        return None if OURS.match(told) else f"an error without form: {kind.__name__}: {told[:200]!r}"
    if isinstance(error, TypeError) and (ARITY.search(told) and _before_it_began(error)):
        return None
    if kind.__name__ == "NotFittedError":  # scikit-learn's, which its tools know
        return None
    if _of_a_library(error, line):
        return None
    if len(_frames(error)) > 2:
        return f"{kind.__name__} in {_place(error)}: {' '.join(told.split())[:200]}"
    # The line itself, or a question of Python's that is answered without code of ours.
    if isinstance(error, TypeError) and PYTHON.search(told):
        return None
    if isinstance(error, BufferError) or line.startswith("pickle.loads("):  # protocols of Python's, and damaged bytes
        return None
    if isinstance(error, QUESTIONS) and (
        line.startswith(("setattr", "delattr", "next(")) or "has no attribute" in told
    ):
        return None
    return f"{kind.__name__} in {_place(error)}: {' '.join(told.split())[:200]}"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))


def _before_it_began(error: BaseException) -> bool:
    """Whether nothing but what calls a function for its callers stands between the line and the error.

    scikit-learn's `fit_transform` hands what it is given on to `fit`.
    """
    between = _frames(error)[2:]
    return all(
        Path(frame.filename).name in ("boundary.py", "module.py", "typing.py", "contextlib.py")
        or "sklearn" in Path(frame.filename).parts
        for frame in between
    )


def _of_a_library(error: BaseException, line: str) -> bool:
    """Whether the line asked NumPy or scikit-learn, and no code of ours had a part in the answer.

    An operator between a module and an array is NumPy's, since modules have none.
    """
    below = [Path(frame.filename) for frame in _frames(error)[2:]]  # the judge's, and the line
    ours = Path(pt.__file__).parent
    if any(ours in path.parents for path in below) or not isinstance(error, (TypeError, ValueError)):
        return False
    if below and "sklearn" in below[0].parts:
        return True
    return line.startswith(("(np.", "np.")) or _numpys_operator(line)


def _numpys_operator(line: str) -> bool:
    """Whether an operator stands between an array of NumPy's and what is neither tensor nor slot."""
    tree = ast.parse(line, mode="eval").body
    if isinstance(tree, ast.BinOp):
        parts = [tree.left, tree.right]
    elif isinstance(tree, ast.Compare):
        parts = [tree.left, *tree.comparators]
    elif isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in ("divmod", "pow"):
        parts = tree.args
    else:
        return False
    names = namespace()
    values = [eval(compile(ast.Expression(part), CALL, "eval"), names) for part in parts]
    of_numpy = any(isinstance(value, (np.ndarray, np.generic)) for value in values)
    return of_numpy and not any(isinstance(value, (pt.Tensor, pt.Slot)) for value in values)


def _from_attacker(error: BaseException) -> bool:
    """Raised by a function of the line, or by a hostile object, in its own code."""
    if isinstance(error, pt.Error):
        return False
    last = _frames(error)[-1]
    return Path(last.filename).name == "hostile.py" or (last.filename == CALL and last.name == "<lambda>")


def _place(error: BaseException) -> str:
    ours = [frame for frame in _frames(error) if "powertrain" in Path(frame.filename).parts]
    frame = ours[-1] if ours else _frames(error)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
