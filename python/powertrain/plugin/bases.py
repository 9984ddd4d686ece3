"""The base classes of data sets, transforms, losses and backends. Models are in model.py, metrics in measure.py,
schedules in schedule.py, what learns in learning.py; the base of an optimizer is `powertrain.optim.Optimizer`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from numpy.typing import NDArray

from powertrain import _core
from powertrain.errors.methods import missing, optional
from powertrain.plugin.declared import Declared, FieldError, OfParams

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.data import DataModule
    from powertrain.data.order import Draw
    from powertrain.data.scaling import Scaling
    from powertrain.plugin.backends import Graph
    from powertrain.plugin.protocols import Inputs

Array = NDArray[Any]


class Data(Declared, declares=True):
    """A data set, which `build` loads. One whose parameters have a field `split` gets the recipe's data.split, and
    gives the parts itself.

    Example
        >>> class Line(pt.plugin.Data):
        ...     @classmethod
        ...     def build(cls, params, base):
        ...         x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
        ...         train = pt.data.ArrayDataset(x=x, y=2 * x[:, 0])
        ...         return pt.data.DataModule("line", "regression", {"train": train}, outputs=1)
        >>> len(Line.build(pt.plugin.NoParams(), Path()).train)
        20
    """

    examples_folder: ClassVar[Path] = Path()  # where relative paths of `examples` begin

    @classmethod
    @abstractmethod
    def build(cls, params: NoReturn, base: Path) -> DataModule:
        """The data set. `base` is the folder of the recipe, from which relative paths are taken."""
        raise missing(cls, "build")

    @classmethod
    def reopen(cls, params: NoReturn, kept: DataModule) -> DataModule:
        """What a trained model needs of the data set, without its files.

        `kept` has the names, the form and the `state` of the one that `build` gave, and zeros in place of examples. Add
        what cannot be written down: `read`, `vocabulary`, `show`, `own_task`.
        """
        return kept

    @classmethod
    def rebuild(cls, params: NoReturn, base: Path, kept: DataModule, known: Mapping[str, Array] | None) -> DataModule:
        """The data set of files that have changed since a model was trained on them, as that model reads it: with what
        was fitted then, `kept.state`.

        One that splits itself leaves examples in the parts that they were in: `known` has their identities by part
        (`powertrain.data.identities`). As it stands it builds the data set: where that has another state then, the run
        does not go on.
        """
        return cls.build(params, base)


class Transform(Declared, declares=True):
    """A fitted map of the inputs of a batch; the first axis is the batch and stays.

    `build(params, x)` sees the training part alone. What it learned is in `state()`, which goes into checkpoints and
    comes back by `restore`; as it stands a transform learns nothing.

    Example
        >>> class Clip(pt.plugin.Transform):
        ...     def __call__(self, x):
        ...         return np.clip(x, -3, 3)
        >>> Clip.build(None, np.zeros((1, 2)))(np.array([[5.0, 1.0]])).tolist()
        [[3.0, 1.0]]
    """

    random: ClassVar[bool] = False
    # Whether an example has the same bits whatever others come with it, as by NumPy's arithmetic: then several small
    # batches are mapped in one call.
    by_row: ClassVar[bool] = False
    # What it does, where that is `(x - a) * b + c` in float32: then a batch is chosen and scaled in one pass.
    scaling: Scaling | None = None
    # What it makes of the tensor x in PyTorch, for exports; the arrays of `state()` are {name}, as in "x - {mean}".
    TORCH_CALL: ClassVar[str] = ""
    # What a number that it makes is called, such as "principal component", where the first ones say most: a report
    # shows examples by two of them.
    AXIS: ClassVar[str] = ""
    example_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((8, 8), (6,), (8, 8, 1))  # that the check tries it with

    @classmethod
    def build(cls, params: NoReturn, x: Array) -> Transform:
        """The transform, fitted on the inputs `x` of the training part."""
        return cls(params)

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        raise missing(self, "__call__")

    @optional
    def overwrite(self, x: Array) -> Array:
        """The same bits as of `__call__`, where `x` is needed no more: it may be written into and given back."""
        raise missing(self, "overwrite")

    def state(self) -> Mapping[str, Array]:
        """What it learned, as named arrays."""
        return {}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take up what `state` gave."""
        if state:
            raise FieldError(
                f"[{type(self).__name__}] received the state {', '.join(state)}; expected none, since it learns "
                "nothing; restore it into the transform that saved it"
            )

    @optional
    def picture(self, x: Array) -> Array:
        """How people look at what it gives: [batch, height, width], for the report; left out where they look at x."""
        raise missing(self, "picture")


class RandomTransform(Declared, declares=True):
    """A random change of training batches, such as a crop or mixup, in the group `transform` too. Evaluation and
    prediction never see it, and what is fitted after it is fitted without it.

    The shapes of x stay; y may become one row of class shares per example. It draws all its random numbers from `draw`,
    and learns nothing.

    Example
        >>> class Noise(pt.plugin.RandomTransform):
        ...     def change(self, fields, draw):
        ...         return {**fields, "x": fields["x"] + draw.uniform(fields["x"].shape, -0.1, 0.1).astype("float32")}
        >>> Noise.build(None, pt.plugin.Inputs("regression", (2,), 1)).random
        True
    """

    random: ClassVar[bool] = True
    example_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((8, 8), (6,), (8, 8, 1))

    @classmethod
    def build(cls, params: NoReturn, inputs: Inputs) -> RandomTransform:
        """The change, for inputs of that form."""
        return cls(params)

    @abstractmethod
    def change(self, fields: dict[str, Array], draw: Draw) -> dict[str, Array]:
        raise missing(self, "change")

    @optional
    def overwrite(self, fields: dict[str, Array], draw: Draw) -> dict[str, Array]:
        """The same bits as of `change`, where its x is needed no more: it may be written into and given back."""
        raise missing(self, "overwrite")


class Loss(OfParams, declares=True):
    """A loss: one value per example, or per token, of outputs and targets; the engine divides once by the total weight.

    A function of (output, target) with keyword-only parameters is one too; its fields are attributes of the function.

    Example
        >>> class Cubed(pt.plugin.Loss):
        ...     def __call__(self, output, target):
        ...         return pt.abs(output[:, 0] - target) ** 3
        >>> Cubed()(pt.tensor([[3.0], [1.0]]), pt.tensor([1.0, 1.0])).tolist()
        [8.0, 0.0]
    """

    probabilities: ClassVar[bool] = False  # the softmax of the outputs gives probabilities, which the report checks
    exact_gradient: ClassVar[bool] = True  # False where it stops gradients on purpose

    @abstractmethod
    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        raise missing(self, "__call__")


class Backend(OfParams, declares=True):
    """A backend: runs traced programs in place of the engine's kernels.

    Arrays are its own, of any type that has `shape` and `dtype`; the engine keeps them, in slots too, and hands the
    same ones back. None of them may change after it was given.

    Example
        >>> class InNumPy(pt.plugin.Backend):
        ...     ops, dtypes = ("add", "multiply"), ("float32",)
        ...     def available(self):
        ...         return None
        ...     def place(self, array, dtype):
        ...         return array.copy()
        ...     def fetch(self, array):
        ...         return array
        ...     def compile(self, graph):
        ...         held = {number: self.place_tensor(tensor) for number, tensor in graph.constants.items()}
        ...         rules = {"add": lambda call, a, b: a + b, "multiply": lambda call, a, b: a * b}
        ...         return lambda arrays: graph.evaluate(rules, arrays, held)
        >>> pt.compile(lambda x: x * x + x, backend=InNumPy())(pt.tensor([3.0])).tolist()
        [12.0]
    """

    name: str = ""  # what messages call it, where it is made in Python; its class where it is empty
    ops: Collection[str]  # that it has a rule for; others become what they are composed of, before it sees them
    dtypes: Collection[str]  # that its arrays have, by name

    @abstractmethod
    def available(self) -> str | None:
        """Why it cannot run here, `what is missing; what is expected; how to get it`; None if it can."""
        raise missing(self, "available")

    @abstractmethod
    def place(self, array: Array, dtype: str) -> object:
        """An array of its own with the same elements; of bfloat16, `array` has the bits as uint16."""
        raise missing(self, "place")

    def place_tensor(self, tensor: Tensor) -> object:
        """An array of its own with the elements of a tensor of the engine, such as a constant of a graph."""
        dtype = tensor.dtype.name
        held = _core.same_bits_as(tensor, _core.DType.uint16) if dtype == "bfloat16" else tensor
        return self.place(held.numpy(), dtype)

    @abstractmethod
    def fetch(self, array: NoReturn) -> Array:
        """The elements of one of its arrays; of bfloat16, the bits as uint16."""
        raise missing(self, "fetch")

    @abstractmethod
    def compile(self, graph: Graph) -> Callable[[Sequence[NoReturn]], Sequence[object]]:
        """A function from arrays for `graph.inputs` to arrays for `graph.outputs`, of the types that the graph says."""
        raise missing(self, "compile")

    def version(self) -> str:
        """What its numbers depend on, in words, which run.lock records."""
        return ""
