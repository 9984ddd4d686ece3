"""Parameters, which are slots that training changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.errors.boundary import public
from powertrain.errors.tensor_counterparts import SLOT
from powertrain.nn import checks

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


class _Trained(type):
    """Whether a slot is a parameter is its setting, not its class: freeze() changes it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, pt.Slot) and instance.trainable

    @public
    def __call__(cls, data: TensorLike, name: str = "", *, requires_grad: bool = True) -> pt.Slot:
        if requires_grad is not True:
            raise checks.SettingError(
                f"[Parameter] requires_grad = {requires_grad!r}; expected True; for a value that is not trained write "
                "module.register_buffer(name, data), for a parameter that is frozen module.freeze(name)"
            )
        return pt.Slot(detached(data), name=name, trainable=True)


if TYPE_CHECKING:

    class Parameter(pt.Slot):
        def __init__(self, data: TensorLike, name: str = "", *, requires_grad: bool = True) -> None: ...

else:

    class Parameter(metaclass=_Trained):
        """A slot that training changes, of a tensor, an array, numbers, or a tensor of PyTorch.

        `isinstance(slot, pt.nn.Parameter)` says whether a slot is one: buffers and frozen parameters are not.

        Errors    requires_grad=False: freeze(), or a buffer, says what is not trained

        Example
            >>> pt.nn.Parameter([[1.0, 2.0]]).shape
            (1, 2)
            >>> isinstance(pt.nn.Linear(2, 3).bias, pt.nn.Parameter)
            True
        """


def detached(data: Any) -> Any:
    """PyTorch's tensors as arrays, which the engine reads; what else it is given as it is."""
    if type(data).__module__.partition(".")[0] != "torch" or not hasattr(data, "detach"):
        return data
    data = data.detach().cpu()
    # NumPy has no bfloat16, and float32 holds each of its numbers.
    return pt.astype(data.float().numpy(), "bfloat16") if str(data.dtype) == "torch.bfloat16" else data.numpy()


def array_of(slot: pt.Slot) -> NDArray[Any]:
    """The value of a slot for NumPy, which has no bfloat16: float32 holds each of its numbers."""
    value = slot.value
    return np.asarray((pt.astype(value, "float32") if value.dtype == pt.bfloat16 else value).numpy())


def _refused(name: str, line: str) -> property:
    """An assignment would be kept as an attribute that nobody reads, so both ways say what to write."""

    def read(slot: pt.Slot) -> Any:
        raise checks.MissingNameError(f"[{f'slot {slot.name}'.rstrip()}] {name}; expected a name of Slot; write {line}")

    def write(slot: pt.Slot, value: Any) -> None:
        read(slot)

    return property(read, write)


# What PyTorch's parameters have as attributes that are assigned to.
for _name in ("data", "grad", "requires_grad"):
    setattr(pt.Slot, _name, _refused(_name, SLOT[_name]))


def slot_size(slot: pt.Slot) -> int:
    return int(np.prod(slot.shape, dtype=np.int64))
