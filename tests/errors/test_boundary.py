"""What no check foresaw leaves the engine as an error of its own; what is a caller's own leaves as it is."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import resource
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from attack import subjects
from powertrain.errors import boundary


class OwnError(Exception):
    pass


def told(error: pytest.ExceptionInfo[BaseException]) -> str:
    return str(error.value)


# ------------------------------------------------------------ Python functions


def test_an_error_with_a_constructor_of_its_own_keeps_its_name() -> None:
    """Also where that is the name of a function which callers do not know."""
    assert inspect.isroutine(pt._core.own)
    with pytest.raises(pt.data.DataError) as caught:
        pt.data.read_arrays(Path("none.npz"), "own")
    assert told(caught) == "[own] none.npz: No such file or directory; expected a readable file; check the path"


@boundary.public
def half(numbers: Any, *, by: int = 2) -> Any:
    """Half of them."""
    return numbers[0] / by


@boundary.public
def halves(numbers: Any) -> Any:
    """Half of each."""
    for number in numbers:
        yield number / 2


@pytest.fixture
def as_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """This module as one of the engine's, which are known by their names."""
    monkeypatch.setitem(globals(), "__name__", "powertrain.somewhere")


@pytest.mark.parametrize(
    ("arguments", "kind", "python", "text"),
    [
        (((),), pt.IndexError, IndexError, "received tuple: IndexError: tuple index out of range"),
        ((3,), pt.DTypeError, TypeError, "received 3: TypeError: 'int' object is not subscriptable"),
        (({},), pt.ShapeError, ValueError, "received dict: KeyError: 0"),
        (("x" * 99,), pt.DTypeError, TypeError, f"received '{'x' * 39}...: TypeError: unsupported operand type(s) for "
         "/: 'str' and 'int'"),
    ],
)  # fmt: skip
def test_a_leftover_is_an_error_of_ours_and_of_python_s_kind(
    as_engine: None, arguments: Any, kind: type[Exception], python: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as error:
        half(*arguments)
    assert isinstance(error.value, pt.Error)
    assert isinstance(error.value, python)
    assert told(error) == f"[half] {text}; expected half(numbers, *, by=2); check the arguments"
    assert type(error.value.__cause__).__name__ in text


def test_a_generator_is_guarded_while_it_runs(as_engine: None) -> None:
    found = halves([1.0, "x"])
    assert next(found) == 0.5
    with pytest.raises(pt.DTypeError) as error:
        next(found)
    assert told(error) == (
        "[halves] received list: TypeError: unsupported operand type(s) for /: 'str' and 'int'; expected "
        "halves(numbers); check the arguments"
    )
    assert boundary.is_public(halves) and inspect.isgeneratorfunction(halves)


def test_bytes_that_are_no_file_are_an_error_of_ours() -> None:
    with pytest.raises(pt.ShapeError) as error:
        pt.builtin.models.NearestMean(4).load(b"")
    assert told(error) == (
        "[NearestMean.load] received b'': EOFError: No data left in file; expected NearestMean.load(data); check the "
        "arguments"
    )


def test_a_setter_says_what_it_takes() -> None:
    with pytest.raises(pt.ShapeError) as error:
        pt.metrics.Mean().state = "x"
    assert told(error) == (
        "[Mean.state] received 'x': ValueError: could not convert string to float: 'x'; expected Mean.state(value); "
        "check the arguments"
    )


def test_keywords_are_shown_as_they_were_given(as_engine: None) -> None:
    with pytest.raises(pt.ShapeError) as error:
        half([1.0], by=0)
    assert told(error) == (
        "[half] received list, by=0: ZeroDivisionError: float division by zero; expected half(numbers, *, by=2); check "
        "the arguments"
    )


def test_what_a_caller_s_own_code_raises_is_not_touched() -> None:
    with pytest.raises(TypeError) as error:  # this module is a caller's
        half(3)
    assert not isinstance(error.value, pt.Error)

    def failing(x: Any) -> Any:
        raise OwnError("mine")

    for call in (pt.grad(failing), pt.vmap(failing), pt.checkpoint(failing), pt.compile(failing)):
        with pytest.raises(OwnError, match=r"^mine$"):
            call(pt.ones(3))

    def wrong(x: Any) -> Any:
        return [][0]

    with pytest.raises(IndexError) as raw:
        pt.grad(wrong)(pt.ones(3))
    assert not isinstance(raw.value, pt.Error)


def test_a_module_of_a_caller_raises_its_own() -> None:
    class Net(pt.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.nowhere

    with pytest.raises(AttributeError) as error:
        Net()(3)
    assert not isinstance(error.value, pt.Error)


def test_a_public_function_is_still_itself() -> None:
    assert inspect.isfunction(pt.grad)
    assert str(inspect.signature(half)) == "(numbers: 'Any', *, by: 'int' = 2) -> 'Any'"
    assert half.__doc__ == "Half of them."
    assert half.__globals__ is globals()
    for public in (pt.grad, pt.nn.Linear, pt.data.DataLoader, pt.optim.schedules.StepLR):
        assert pickle.loads(pickle.dumps(public)) is public
    names = ["in_features", "out_features", "bias", "device", "dtype", "std", "generator"]
    assert list(inspect.signature(pt.nn.Linear).parameters) == names


def test_every_public_function_and_method_is_guarded() -> None:
    bare = []
    for expression, value in subjects.public():
        if isinstance(value, FunctionType) and not boundary.is_public(value):
            bare.append(expression)
        home = getattr(value, "__module__", "")
        if not isinstance(value, type) or issubclass(value, BaseException) or not home.startswith("powertrain."):
            continue
        if getattr(value, "_is_protocol", False) or home == "powertrain._core":
            continue
        for name, member in vars(value).items():
            is_asked = not name.startswith("_") or name == "__init__"
            if is_asked and name != "forward" and isinstance(member, FunctionType) and not boundary.is_public(member):
                bare.append(f"{expression}.{name}")
    assert not bare


# ------------------------------------------------------------ functions in C++


def test_arguments_that_a_function_in_c_does_not_take() -> None:
    with pytest.raises(pt.DTypeError) as error:
        pt.ones(2).item(3)  # type: ignore[call-arg]
    assert told(error) == (
        "[item] received powertrain._core.Tensor, int; expected item(self: Tensor) -> object; check the arguments"
    )
    assert isinstance(error.value.__cause__, TypeError)
    with pytest.raises(pt.DTypeError) as error:
        pt.set_threads("x")  # type: ignore[arg-type]
    assert told(error).startswith("[set_threads] received str; expected set_threads(threads: ")
    with pytest.raises(pt.DTypeError) as error:
        pt.Slot(pt.ones(2), name=3)  # type: ignore[arg-type]
    assert told(error).startswith("[Slot] received ")
    assert "powertrain._core.Tensor, name=int; expected Slot(" in told(error)


def test_what_numpy_raises_in_c() -> None:
    with pytest.raises(pt.DTypeError) as error:
        pt.ones(2).__array__("no dtype")
    assert told(error).startswith("[array] received powertrain._core.Tensor, ")
    assert isinstance(error.value.__cause__, TypeError)


def test_memory_that_no_system_has_is_a_memory_error() -> None:
    with pytest.raises(pt.OutOfMemoryError) as error:
        pt.ones((2**26, 2**26)) + 1
    assert isinstance(error.value, MemoryError)
    assert told(error) == (
        f"[memory] asked for {2**54} bytes; expected a size that the system has free; use a smaller batch or model"
    )


def test_rows_that_memory_does_not_hold_are_not_pickled() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 40, before[1]))
    try:
        with pytest.raises(pt.OutOfMemoryError, match=r"^\[reduce\] received powertrain\._core\.Tensor: Unable to "):
            pickle.dumps(pt.broadcast_to(pt.ones(()), (2**21, 2**21)))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    same = pickle.loads(pickle.dumps(pt.tensor([[1.0, 2.0], [3.0, 4.0]]).T))
    assert same.numpy().tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert pickle.loads(pickle.dumps(pt.tensor(2.5))).shape == ()


def test_what_a_library_raises_in_python_called_from_c() -> None:
    """NumPy reads {"a": "xx"} as the fields of a record, in Python code of its own."""
    with pytest.raises(pt.ShapeError) as error:
        pt.ones(2).__array__({"a": "xx"})  # type: ignore[arg-type]
    assert told(error) == (
        "[array] received powertrain._core.Tensor, dict: entry not a 2- or 3- tuple; expected array(self: Tensor, "
        "dtype: object = None, copy: object = None) -> object; check the arguments"
    )
    assert isinstance(error.value.__cause__, ValueError)


class Lends:
    """What says that it lends main memory, and gives something else."""

    def __init__(self, device: Any = (1, 0)) -> None:
        self.device = device

    def __dlpack_device__(self) -> Any:
        return self.device

    def __dlpack__(self, **asked: Any) -> Any:
        return 3


def test_memory_that_is_not_lent() -> None:
    text = (
        "received Lends whose __dlpack__ gave int; expected a capsule that nobody has taken; convert it with "
        "numpy.asarray"
    )
    with pytest.raises(pt.DTypeError) as error:
        pt.asarray(Lends())  # type: ignore[arg-type]
    assert told(error) == f"[asarray] {text}"
    with pytest.raises(pt.DTypeError) as error:
        pt.compile(lambda x: x)(Lends())
    assert told(error).endswith(text)
    for device in ((), "x", ("x", 0), None):
        with pytest.raises(pt.DTypeError, match=r"^\[asarray\] received Lends; expected a tensor, an array or "):
            pt.asarray(Lends(device))  # type: ignore[arg-type]


def test_a_compiled_function_of_a_caller_raises_its_own() -> None:
    with pytest.raises(TypeError, match="max expected at least 1 argument") as error:
        pt.compile(max)()
    assert not isinstance(error.value, pt.Error)


SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
inside = '''
import sys
sys.path = {path!r}
try:
    import powertrain
except ImportError as error:
    print(error)
'''.format(path=sys.path)
interpreters.run_string(interpreters.create(), inside)
"""


def test_a_subinterpreter_is_told_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SUBINTERPRETER], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == (
        "[powertrain] imported in a subinterpreter; expected the main interpreter, since kernels, threads and memory "
        "are shared by the process; use processes or threads\n"
    )


# ------------------------------------------------------------ attributes, copies and keys


def test_an_attribute_that_is_not_there_is_no_attribute() -> None:
    with pytest.raises(AttributeError) as error:
        del pt.nn.Linear(3, 4).nowhere
    assert isinstance(error.value, pt.Error)
    assert told(error) == (
        "[Linear] cannot delete nowhere: 'Linear' object has no attribute 'nowhere'; expected an attribute that was "
        "assigned; see vars() of the object"
    )


@boundary.public
def named(module: Any) -> Any:
    return module.nowhere


def test_who_asks_for_an_attribute_is_at_fault(as_engine: None) -> None:
    with pytest.raises(pt.DTypeError) as error:
        named(np)  # whose own __getattr__ says so
    assert told(error) == (
        "[named] received module: AttributeError: module 'numpy' has no attribute 'nowhere'; expected named(module); "
        "check the arguments"
    )


def test_a_module_whose_constructor_never_ran_is_not_copied() -> None:
    with pytest.raises(pt.Error) as error:
        copy.deepcopy(pt.nn.Linear.__new__(pt.nn.Linear))
    assert told(error) == (
        "[Linear] used before super().__init__(); expected that call first; begin __init__ with super().__init__()"
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            [1, [2]],
            "[index] received list that is no array (setting an array element with a sequence. The requested array "
            "has an inhomogeneous shape after 1 dimensions. The detected shape was (2,) + inhomogeneous part.); "
            "expected numbers in rows of one length; convert it with numpy.asarray first",
        ),
        (
            (..., {}),
            "[index] received (Ellipsis, dict); expected integers, slices, None, ..., arrays of integers and masks; "
            "see help(powertrain.take)",
        ),
        pytest.param(
            1 << 19999,
            "[index] received int for axis 0 of size 3; expected -3 to 2; see help(powertrain.take)",
            id="huge",
        ),
        (
            slice({}, 2),
            "[index] received slice(dict, 2, None): slice indices must be integers or None or have an __index__ "
            "method; expected integers or None, and a step other than 0; see help(powertrain.take)",
        ),
    ],
)
def test_keys_that_are_none(key: Any, text: str) -> None:
    with pytest.raises(pt.Error) as error:
        pt.ones(3)[key]
    assert told(error) == text


def test_what_asks_a_tensor_for_protocols() -> None:
    with pytest.raises(pt.Error) as error:
        pt.ones(2).to_device(np.ones(3))
    assert told(error) == "[device] received '[1. 1. 1.]'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cpu'"
    with pytest.raises(pt.DTypeError, match="AttributeError: 'int' object has no attribute 'dtype'"):
        pt.Tensor.__index__(3)  # type: ignore[arg-type]


@boundary.public
def needs(library: str) -> Any:
    return importlib.import_module(library)


def test_a_library_that_is_not_there_is_an_import_error(as_engine: None) -> None:
    with pytest.raises(ImportError) as error:
        needs("nowhere_at_all")
    assert told(error) == (
        "[needs] received 'nowhere_at_all': ModuleNotFoundError: No module named 'nowhere_at_all'; expected "
        "needs(library); check the arguments"
    )
    assert isinstance(error.value, pt.Error)


# ------------------------------------------------------------ checks that name the argument


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: pt.grad(lambda x: x, argnums=3)(1.0),
            "[grad] argument 3 of a call with 1; expected one that was passed; check argnums",
        ),
        (
            lambda: pt.optim.Adam(3),
            "[optimizer] params holds 3; expected a module, slots, or pairs of name and slot; pass the model",
        ),
        (
            lambda: pt.optim.Adam(["x"]),
            "[optimizer] params holds 'x'; expected a module, slots, or pairs of name and slot; pass the model",
        ),
        (
            lambda: pt.optim.Adam(pt.nn.Linear(2, 3)).update(None),
            "[optimizer] received None for gradients; expected those by the parameters; write loss, grads = "
            "pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)",
        ),
        (
            lambda: pt.zeros(3, 4),
            "[zeros] dtype = 4; expected a dtype, after one shape; pass the shape as a tuple, such as zeros((3, 4))",
        ),
        (
            lambda: pt.ones(3, 4),
            "[ones] dtype = 4; expected a dtype, after one shape; pass the shape as a tuple, such as ones((3, 4))",
        ),
        (
            lambda: pt.data.DataLoader((np.ones(3), np.ones(3)), batch_size=8),
            "[DataLoader] a data set of type tuple; expected one whose len() is the number of examples; write "
            "DataLoader(pt.data.TensorDataset(x, y), batch_size=32)",
        ),
        (
            lambda: pt.nn.TransformerDecoder(pt.nn.Linear(3, 4), 2**31 - 1),
            "[TransformerDecoder] num_layers = 2147483647; expected a whole number from 0 to 10000; for example "
            "num_layers = 8",
        ),
        (
            lambda: pt.nn.GRU(3, 4, 20_000),
            "[GRU] num_layers = 20000; expected a whole number from 1 to 10000; for example num_layers = 8",
        ),
        (
            lambda: pt.plugin.Kernel("k", None, inputs=range(10**18)),
            "[kernel k] it has more than 64 inputs; expected fewer; pack some of them into one array",
        ),
        (
            lambda: pt.plugin.Kernel("k", None, inputs=[3]),
            '[kernel k] an input is 3; expected the name of each input; for example inputs=("x",)',
        ),
        (
            lambda: pt.plugin.Kernel("k", None, params=pt.nn.Linear(3, 4)),
            "[kernel k] params is Linear; expected a frozen dataclass; see powertrain.plugin.param",
        ),
        (
            lambda: pt.nn.init.uniform_fan_in((3, 4), 3, np.random.default_rng(0)),
            "[uniform] generator is Generator; expected a pt.random.Generator or None; for example "
            "pt.random.Generator(0)",
        ),
        (
            lambda: pt.recipe.load_recipe(" "),
            "[recipe] received no name; expected the name or the path of a recipe; see powertrain recipes",
        ),
        (
            lambda: pt.nn.init.normal((3, 4), generator=np),
            "[normal] generator is module; expected a pt.random.Generator or None; for example pt.random.Generator(0)",
        ),
        (
            lambda: pt.ones(3)["a":],
            "[index] received slice('a', None, None): slice indices must be integers or None or have an __index__ "
            "method; expected integers or None, and a step other than 0; see help(powertrain.take)",
        ),
    ],
)
def test_the_argument_at_fault_is_named(call: Any, text: str) -> None:
    with pytest.raises(pt.Error) as error:
        call()
    assert told(error) == text


def test_an_error_of_an_op_that_only_the_engine_calls_names_what_was_called() -> None:
    logits, shares = pt.ones((2, 4)), pt.ones((2, 3))
    expected = (
        "[{}] input is f32[2, 4], target is f32[2, 3]; expected one shape, and one weight per class if any; reshape "
        "target"
    )
    for call, where in (
        (pt.nn.functional.cross_entropy, "cross_entropy"),
        (pt.compile(pt.nn.functional.cross_entropy), "cross_entropy"),
        (pt.nn.CrossEntropyLoss(), "cross_entropy"),
        (pt.ops.functional.OPERATORS["soft_cross_entropy"], "soft_cross_entropy"),
    ):
        with pytest.raises(pt.ShapeError) as caught:
            call(logits, shares)
        assert type(caught.value) is pt.ShapeError and told(caught) == expected.format(where)
    with pytest.raises(pt.ShapeError, match=r"^\[LSTM\] hx is .*\[1, 2, 2\], .*; expected .*; give such a state$"):
        pt.nn.LSTM(3, 3)(pt.ones((2, 5, 3)), (pt.ones((1, 2, 2)), pt.ones((1, 2, 3))))


def test_half_of_a_letter_is_no_name_of_a_dtype() -> None:
    with pytest.raises(pt.DTypeError, match=r"^\[astype\] dtype = '\\ud800'; expected a dtype"):
        pt.ones((2,)).astype("\ud800")
