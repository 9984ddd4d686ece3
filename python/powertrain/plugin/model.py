"""The base class of models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn

from powertrain.errors.methods import missing
from powertrain.nn.module import Module
from powertrain.plugin.declared import Declared

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.protocols import Inputs
    from powertrain.plugin.section import Section


class Model(Module, Declared, declares=True):
    """A model: a module that `build` makes for what the data says of itself.

    `forward` gives [batch, outputs], for text [batch, positions, outputs]. For the task of a plugin it gives
    [batch, ..., outputs], with the axes that the task reads.

    Example
        >>> class Net(pt.plugin.Model):
        ...     def __init__(self, features, outputs):
        ...         super().__init__()
        ...         self.layer = pt.nn.Linear(features, outputs)
        ...     @classmethod
        ...     def build(cls, params, inputs):
        ...         return cls(pt.plugin.features(inputs), inputs.outputs)
        ...     def forward(self, x):
        ...         return self.layer(pt.plugin.as_rows(x))
        >>> Net.build(None, pt.plugin.Inputs("classification", (8, 8), 10))(pt.ones((2, 8, 8))).shape
        (2, 10)
    """

    strategy: ClassVar[str] = "supervised"  # what trains it, where the recipe does not say
    loss: str = ""  # what it is trained with, where the recipe does not say; the task's usual one where it is empty
    host: ClassVar[bool] = False  # another library fits it: see powertrain.plugin.HostModel
    probabilities: ClassVar[bool] = True  # its outputs' softmax gives probabilities, if the loss's does
    example_inputs: ClassVar[tuple[Inputs, ...]] = ()  # that the check tries it with, where it takes no usual data

    def __init__(self) -> None:
        Module.__init__(self)

    @classmethod
    @abstractmethod
    def build(cls, params: NoReturn, inputs: Inputs) -> Module:
        """The module: `params` are the recipe's, `inputs` what the data says."""
        raise missing(cls, "build")

    def sections(self, dataset: DataModule) -> Sequence[Section]:
        """Pages of the report: what it learned."""
        return ()
