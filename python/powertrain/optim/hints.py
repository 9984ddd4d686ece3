"""What PyTorch's optimizers have and these have not: each call says what to write instead."""

from __future__ import annotations

from typing import Any, NoReturn

from powertrain.errors.arguments import shown
from powertrain.optim.settings import OptimizerError

SEVERAL_MODULES = "write model = pt.nn.ModuleList([a, b]), and take the gradients of it, and its parameters"
HOW_TO_UPDATE = "write loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y); opt.update(grads)"


class ParamGroup(dict[str, Any]):
    """Parameters with the same settings, to read."""

    def __setitem__(self, key: str, value: Any) -> NoReturn:
        raise OptimizerError(
            f"[optimizer] param_groups[...][{key!r}] = {shown(value)}; expected groups to be read alone; write "
            "opt.lr = ... for the rate of all groups, or make the optimizer with groups of their own lr and "
            "weight_decay"
        )


class AverageError(OptimizerError, AttributeError):
    """An attribute of a model, asked of an average."""


class NotAModel:
    """Calls of PyTorch's AveragedModel, which is a copy of the model."""

    name: str

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise self._refused("called like a model")

    def update_parameters(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError(
            f"[{self.name}] update_parameters(); expected update(); write {self.name}.update() behind opt.update(grads)"
        )

    @property
    def module(self) -> NoReturn:
        raise self._refused("module")

    def eval(self) -> NoReturn:
        raise self._refused("eval()")

    def _refused(self, received: str) -> AverageError:
        return AverageError(
            f"[{self.name}] {received}; expected the model with the averages in it; write with {self.name}.applied(): "
            "y = model(x)"
        )


# What else the settings of an optimizer are called, and what to write. Nobody would read such an attribute.
_OTHER_SETTINGS = {
    "learning_rate": "opt.lr = ...",
    "rate": "opt.lr = ...",
    "weight_decay": "weight_decay=... where the optimizer is made",
    "clipnorm": "opt.clip = ...",
    "clipvalue": "opt.clip_value = ...",
    "accumulate": "accumulate=... where the optimizer is made",
}


class NotStepped:
    """Calls of an optimizer that keeps gradients and steps, and settings by the names of other libraries."""

    name: str

    def __setattr__(self, name: str, value: Any) -> None:
        # An optimizer of somebody else's may have an attribute of that name, and every constructor sets `accumulate`.
        made = "parts" in vars(self) and type(self).__module__.startswith("powertrain.optim.")
        if made and name in _OTHER_SETTINGS:
            kind = type(self).__name__
            raise OptimizerError(
                f"[{kind}] received {name} = {shown(value)}; expected a setting that can change; write "
                f"{_OTHER_SETTINGS[name]}"
            )
        super().__setattr__(name, value)

    def step(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError(f"[{self.name}] step(); expected update(grads); {HOW_TO_UPDATE}")

    def zero_grad(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError(f"[{self.name}] zero_grad(); expected no call: gradients are not stored; {HOW_TO_UPDATE}")

    def add_param_group(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError(
            f"[{self.name}] add_param_group(); expected all groups when it is made; make another optimizer of the "
            "parameters that are new"
        )
