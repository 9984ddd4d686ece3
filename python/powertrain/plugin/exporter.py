"""The base class of exporters, which write a trained run in another form, and what they are given."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.errors.methods import missing
from powertrain.plugin.backends import Graph
from powertrain.plugin.declared import OfParams

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.nn import Module
    from powertrain.train.deciding.decision import Decision

Array: TypeAlias = NDArray[Any]


class ExportError(_core.Error):  # type: ignore[misc, unused-ignore]
    """A run that cannot be exported as asked. Nothing of it was written."""


@dataclass(frozen=True)
class Program:
    """What a trained run computes for one batch of a fixed size, as calls of ops.

    `graph.inputs` holds the batch alone, `graph.outputs` what `predict` gives. Weights and other arrays that are known
    are `graph.constants`; `names` has the names of those that are weights, by number of value.

    Example
        >>> from powertrain.plugin import Graph, Program, Value
        >>> Program(Graph((Value((1, 2), 'float32'),), (0,), {}, (), (0,))).output
        0
    """

    graph: Graph
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def x(self) -> int:
        """The number of the value that the batch is."""
        return self.graph.inputs[0]

    @property
    def output(self) -> int:
        """The number of the value that `predict` gives."""
        return self.graph.outputs[0]

    def array(self, number: int) -> Array:
        """The elements of a constant."""
        return np.asarray(self.graph.constants[number].numpy())

    def folded(self) -> Program:
        """Compute what depends on weights and constants alone, so that it is a constant too."""
        known: dict[int, Any] = dict(self.graph.constants)
        nodes = []
        for node in self.graph.nodes:
            if any(value is not None and value not in known for value in node.inputs):
                nodes.append(node)
                continue
            operands = [None if value is None else known[value] for value in node.inputs]
            given = {name: value for name, value in node.attributes.items() if value is not None}
            if node.op == "concat":
                operands = [operands]
            made = _core.op_function(node.op)(*operands, **given)
            several = made if isinstance(made, (tuple, list)) else (made,)
            known.update(zip(node.outputs, several, strict=True))
        read = {value for node in nodes for value in node.inputs} | set(self.graph.outputs)
        constants = {number: tensor for number, tensor in known.items() if number in read}
        names = {number: name for number, name in self.names.items() if number in constants}
        return Program(replace(self.graph, nodes=tuple(nodes), constants=constants), names)


class Trained(Protocol):
    """The trained run that an exporter is given.

    Example
        >>> from powertrain.plugin import Trained
        >>> def count(trained: Trained) -> int:
        ...     return sum(slot.size for module in trained.modules.values() for _, slot in module.named_slots())
    """

    @property
    def name(self) -> str:
        """Its name, of lower-case letters, digits and underscores; it begins with a letter."""

    @property
    def folder(self) -> Path:
        """The folder of the run."""

    @property
    def dataset(self) -> DataModule:
        """What the run keeps of its data: task, labels, columns, transforms. Its examples may be zeros."""

    @property
    def decision(self) -> Decision:
        """How outputs become an answer: `decision.calibrated(outputs)` is in the program already, not in the model;
        `decision.classes(outputs)` are the numbers of the classes, by the run's threshold where it has one."""

    @property
    def modules(self) -> Mapping[str, Module]:
        """The models by role, with their weights, in evaluation mode; `model` is the one that a recipe names."""

    @property
    def model(self) -> Module | None:
        """The module that alone makes the outputs, `model(x)` after the transforms; `dataset.target.original` brings
        them to the unit of the targets, `decision.calibrated` those of classes to probabilities that hold. None where a
        strategy does more."""

    @property
    def requirements(self) -> Mapping[str, str]:
        """The distributions whose plugins predict, with their versions; powertrain is one."""

    @property
    def examples(self) -> Array:
        """Some inputs [examples, ...] as the data set has them before its transforms; real ones where the run kept
        some, so try them, and never write them."""

    def program(self, rows: int, ops: Collection[str], *, transforms: bool = True) -> Program:
        """Trace `predict` on so many rows, with the transforms of the data in front, the calibration of the run and the
        unit of the targets behind.
        With `transforms=False` it is what the strategy computes alone, calibrated. An op
        that `ops` lacks is expanded into what it is made of; one that is made of nothing else is an ExportError, which
        names the line of the model."""

    def transformed(self, x: Array) -> Array:
        """Inputs after the transforms of the data: what the model sees."""

    def predict(self, x: Array) -> Array:
        """What the engine answers to inputs as the data set has them."""


Runner: TypeAlias = "Callable[[Array], Array]"


class Exporter(OfParams, declares=True):
    """Writes a trained run in another form, such as a file for another runtime.

    What it writes is tried before anybody gets it: `load` gives a function that computes from it, which has to answer
    the examples of the test part as the engine does.

    Example
        >>> class Labels(pt.plugin.Exporter):
        ...     suffix = '.txt'
        ...     def write(self, trained, path):
        ...         path.write_text(' '.join(trained.dataset.labels))
        ...     def load(self, trained, path):
        ...         return None
        >>> Labels().suffix
        '.txt'
    """

    suffix: ClassVar[str] = ""  # of the file that it writes, such as ".onnx"; a folder where it is empty

    def filename(self, trained: Trained) -> str:
        """The name of the file or folder, where nobody says another."""
        return f"{trained.name}{self.suffix}"

    @abstractmethod
    def write(self, trained: Trained, path: Path) -> None:
        """Write the file or the folder `path`, which is not there yet. A run that it cannot write is an ExportError."""
        raise missing(self, "write")

    @abstractmethod
    def load(self, trained: Trained, path: Path) -> Runner | None:
        """A function from inputs, as the data set has them, to outputs, which computes from what was written; None
        where it cannot run here."""
        raise missing(self, "load")

    def lacks(self, trained: Trained) -> str:
        """What of the result cannot be tried here and why, such as "PyTorch is not installed"; empty where all is."""
        return ""


@dataclass(frozen=True)
class Exported:
    """What an export gave: where it is, and how it was compared with the engine.

    `difference` is the largest distance of an output from the engine's, `allowed` what rounding explains. `examples`
    counts the inputs that were compared, 0 where nothing could be run here. `checked` says which they were; it ends in
    "in part" where not all that was written was tried on them, and `note` says what was not.

    Example
        >>> from pathlib import Path
        >>> from powertrain.plugin import Exported
        >>> Exported(Path('model.h'), 'c', '359 examples of test', 359, 1e-7, 2e-6).examples
        359
    """

    path: Path
    exporter: str
    checked: str
    examples: int
    difference: float
    allowed: float
    note: str = ""
