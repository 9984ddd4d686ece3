"""What a module's slots hold: copies, pickles, other dtypes, and values by name in our layout or PyTorch's."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.devices.place import device as place
from powertrain.devices.place import named, ready
from powertrain.nn import checks, torch_layout
from powertrain.nn.checks import StateError
from powertrain.nn.parameter import array_of, detached
from powertrain.nn.registry import Registry

if TYPE_CHECKING:
    from powertrain.typing import Array, Device, DTypeLike, TensorLike

S = TypeVar("S", bound="State")
Layout = Literal["own", "torch"]


class Loaded(NamedTuple):
    """What load_state_dict found: names that the state lacks, and names that the module does not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"Loaded(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class _Travelling:
    """A slot in a pickle: its value, name and settings. Loading makes one slot of it, however many modules have it."""

    _of: ClassVar[weakref.WeakValueDictionary[int, _Travelling]] = weakref.WeakValueDictionary()

    def __init__(self, slot: pt.Slot) -> None:
        self.slot = slot

    @classmethod
    def of(cls, slot: pt.Slot) -> _Travelling:
        """The same object while a pickler holds it, so that a slot that is tied travels once."""
        found = cls._of.get(id(slot))
        if found is None:
            found = cls._of[id(slot)] = cls(slot)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        made = (pt.Slot, (pt.tensor(self.slot.value), self.slot.name, self.slot.trainable))
        return (*made, {"sparse": True}) if getattr(self.slot, "sparse", False) else made


class State(Registry):
    """A registry whose values can be copied, saved and loaded."""

    # ------------------------------------------------------------ copies

    def clone(self: S) -> S:
        """A module of the same values with slots of its own; what is tied stays tied.

        >>> layer = pt.nn.Linear(2, 3)
        >>> layer.clone().weight is layer.weight
        False
        """
        return self._cloned({})

    def _cloned(self: S, made: dict[int, Any]) -> S:
        if id(self) in made:
            found: S = made[id(self)]
            return found
        twin = made[id(self)] = object.__new__(type(self))
        vars(twin).update(vars(self), _slots={}, _modules={}, _buffers=set(self._buffers))
        for name, slot in self._slots.items():
            if id(slot) not in made:
                made[id(slot)] = _slot_like(slot, pt.tensor(slot.value))
            twin._slots[name] = vars(twin)[name] = made[id(slot)]
        for name, module in self._modules.items():
            twin._modules[name] = vars(twin)[name] = module._cloned(made)
        return twin

    def __copy__(self: S) -> S:
        """Another module with the same slots and modules."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        vars(twin).update(_slots=dict(self._slots), _modules=dict(self._modules), _buffers=set(self._buffers))
        return twin

    def __deepcopy__(self: S, memo: dict[int, Any]) -> S:
        """A clone whose plain attributes are copies too."""
        twin = self._cloned(memo)
        for module in {id(module): module for module in twin.modules()}.values():
            for name, value in vars(module).items():
                if name not in ("_slots", "_modules", "_buffers") and not isinstance(value, (pt.Slot, State)):
                    vars(module)[name] = copy.deepcopy(value, memo)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        held = {name: value for name, value in vars(self).items() if not isinstance(value, pt.Slot)}
        return {**held, "_slots": {name: _Travelling.of(slot) for name, slot in self._slots.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        wrong = _damage(state)
        if wrong:
            raise StateError(
                f"[{type(self).__name__}] received a pickled state {wrong}; expected what pickle.dumps made of a "
                "module, whole; pickle it again, or keep its numbers by pt.save(path, model=model)"
            )
        vars(self).update(state)
        vars(self).update(self._slots)

    # ------------------------------------------------------------ places and dtypes

    def to(self: S, device: Device = None, dtype: DTypeLike | None = None) -> S:
        """Move parameters and buffers to a device, or give those of real numbers another dtype; returns the module.

        `to("cuda")` and `to(pt.device("cuda"))` name a device, `to("float64")` and `to(pt.float64)` a dtype. On another
        device they are the same slots, and an optimizer made before moves its own with them. With another dtype each
        slot is another one, so an optimizer is made afterwards.

        >>> pt.nn.Linear(2, 3).to("float64").weight.dtype.name
        'float64'
        """
        if device is not None and dtype is None and not named(device):
            device, dtype = None, device
        self._settle(device, getattr(dtype, "dtype", dtype))
        return self

    def cuda(self: S, device: int | None = None) -> S:
        """The same as `to("cuda")`, or to the GPU of this index."""
        return self.to(place("cuda", device))

    def cpu(self: S) -> S:
        """The same as `to("cpu")`."""
        return self.to("cpu")

    def _settle(self, device: Any, dtype: Any) -> None:
        """What `device` and `dtype` of a constructor ask for."""
        self._cast(dtype)
        if device is not None:
            there = str(ready(device, type(self).__name__))  # an error before anything is moved
            for slot in {id(slot): slot for _, slot in self.named_slots()}.values():
                _core.move_slot(slot, there)

    def _cast(self, dtype: Any) -> None:
        if dtype is None:
            return
        wanted = pt.zeros((), dtype).dtype
        if not wanted.is_float:
            raise pt.DTypeError(
                f"[{type(self).__name__}] dtype = {wanted.name}; expected a floating dtype; for example 'bfloat16'"
            )
        named = [(name, slot) for name, slot in self.named_slots() if slot.dtype.is_float and slot.dtype != wanted]
        self._demand_not_held("to", named, "call model.to(dtype) before the optimizer is made")
        made = {id(slot): _slot_like(slot, pt.astype(slot.value, wanted)) for _, slot in named}
        self._replace(made)

    def _demand_not_held(self, where: str, named: Iterable[tuple[str, pt.Slot]], fix: str) -> None:
        """Refuse to put other slots in the places of those that an optimizer would go on to update."""
        held = next((name for name, slot in named if slot.base is not None), None)
        if held is not None:
            raise StateError(
                f"[{type(self).__name__}.{where}] {held} is held by an optimizer; expected a model without one; {fix}"
            )

    def _replace(self, made: dict[int, pt.Slot]) -> None:
        """Other slots in the places of those of these ids, tied ones in all of them."""
        for _, module, name, slot in list(self.every_path()):
            if id(slot) in made:
                setattr(module, name, made[id(slot)])

    # ------------------------------------------------------------ values by name

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        """How PyTorch's axes of a slot of this module are transposed to ours; None where they are alike."""
        return None

    def _kept(self) -> dict[str, pt.Slot]:
        """The slots of a state by their first paths: all but buffers that are not persistent."""
        return dict(self._named(lambda module, name: name not in module._transient))

    def state_dict(
        self, layout: Layout = "own", flattened: Mapping[str, tuple[int, ...]] | None = None
    ) -> dict[str, Array]:
        """The value of every slot by name, as copies; with `layout="torch"` as PyTorch's module has them.

        Then what is tied comes under each of its names. `flattened` is as in load_state_dict. NumPy has no bfloat16:
        such slots are float32 arrays, which hold the same numbers.
        """
        checks.choice("state_dict", ("own", "torch"), layout=layout)
        if layout == "torch":
            return torch_layout.to_torch(self, flattened or {})
        return {name: np.array(array_of(slot)) for name, slot in self._kept().items()}

    def load_state_dict(
        self,
        state_dict: Mapping[str, TensorLike],
        strict: bool = True,
        assign: bool = False,
        *,
        layout: Layout | None = None,
        flattened: Mapping[str, tuple[int, ...]] | None = None,
    ) -> Loaded:
        """Set slots by name after all are checked; returns the names that are missing and those that are unknown.

        `strict` wants every slot and no other name; otherwise missing and unknown names are passed over. Shapes must
        always agree. Slots keep their dtypes, unless `assign` says that they take those of the state.

        With `layout="torch"` the state is of PyTorch's module of the same names: weights are transposed as each module
        says, and tied ones may come under any of their names, or under all. Without a layout NumPy arrays are taken as
        they are. The shapes of PyTorch's tensors decide; where they fit both ways, as square matrices do, it is an
        error.
        A linear layer on a flattened image needs to be told of it, since PyTorch's flat images have the channels
        first: `flattened={"4.weight": (channels, height, width)}`.

        >>> layer, other = pt.nn.Linear(2, 3), pt.nn.Linear(2, 3)
        >>> layer.load_state_dict(other.state_dict())
        <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise StateError(
                f"[load_state_dict] received {type(state_dict).__name__}; expected a dict of values by name; pass what "
                "state_dict() gave, or safetensors.numpy.load_file(path)"
            )
        state = {name: np.asarray(detached(value)) for name, value in state_dict.items()}
        said = layout
        if layout is None:
            foreign = any(type(value).__module__.partition(".")[0] == "torch" for value in state_dict.values())
            layout = torch_layout.assumed(self, state, foreign)
        checks.choice("load_state_dict", ("own", "torch"), layout=layout)
        if layout == "torch":
            state = torch_layout.from_torch(self, state, flattened or {})
        slots = self._kept()
        missing = [name for name in slots if name not in state]
        unknown = [name for name in state if name not in slots]
        tensors, wrong = _fitting(slots, state, assign)
        if strict:
            wrong += [f"{name} is missing" for name in missing] + [f"{name} is unknown" for name in unknown]
        if wrong:
            named = not strict or not (missing or torch_layout.unknown(self, state))
            turned = named and layout == "own" and torch_layout.fits(self, state)
            raise StateError(_report(self, state, wrong, strict, turned, None if said else layout))
        other = {name: tensor for name, tensor in tensors.items() if slots[name].dtype != tensor.dtype}  # with assign
        changing = [(name, slots[name]) for name in other]
        self._demand_not_held("load_state_dict", changing, "make it afterwards, or leave assign out to keep the dtypes")
        for name in tensors.keys() - other:
            slots[name].value = tensors[name]
        self._replace({id(slots[name]): _slot_like(slots[name], tensor) for name, tensor in other.items()})
        _core.keep_written([slots[name] for name in tensors])
        return Loaded(missing, unknown)


def _damage(state: object) -> str:
    """What keeps an object from being the state of a pickled module; nothing where it is one."""
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        return f"that is a {type(state).__name__}"
    for name, kind, held in (("_slots", dict, pt.Slot), ("_modules", dict, State), ("_buffers", set, str)):
        values = state.get(name)
        if not isinstance(values, kind):
            return f"without {name}"
        of = values.values() if isinstance(values, dict) else values
        if not all(isinstance(one, held) or (held is State and one is None) for one in of):
            return f"whose {name} hold something else"
    return "" if isinstance(state.get("training"), bool) else "without training"


def _slot_like(slot: pt.Slot, value: pt.Tensor) -> pt.Slot:
    made = pt.Slot(value, name=slot.name, trainable=slot.trainable)
    if getattr(slot, "sparse", False):
        made.sparse = True
    return made


def _fitting(
    slots: dict[str, pt.Slot], state: dict[str, NDArray[Any]], assign: bool
) -> tuple[dict[str, pt.Tensor], list[str]]:
    """The values that fit their slots, and what is wrong with the others."""
    values = {name: value for name, value in state.items() if name in slots}
    wrong = [
        f"{name} is {list(value.shape)}, expected {list(slots[name].shape)}"
        for name, value in values.items()
        if tuple(value.shape) != tuple(slots[name].shape)
    ]
    tensors = {}
    for name, value in values.items():
        try:
            tensors[name] = pt.tensor(value) if assign else pt.tensor(value, dtype=slots[name].dtype)
        except (TypeError, ValueError) as error:
            wrong.append(f"{name} is {value.dtype}, expected {slots[name].dtype.name} ({error})")
    return tensors, wrong


def _report(
    model: State,
    state: dict[str, NDArray[Any]],
    wrong: list[str],
    strict: bool,
    turned: bool,
    assumed: Layout | None,
) -> str:
    """`turned`: the values fit in PyTorch's layout; `assumed`: the layout, of which the caller said nothing."""
    names = model._kept()
    shown = "; ".join(wrong[:8]) + (f"; and {len(wrong) - 8} more" if len(wrong) > 8 else "")
    if turned:
        fix = 'in PyTorch\'s layout they fit: write load_state_dict(state, layout="torch")'
    elif state and all(name.startswith("module.") for name in state) and not hasattr(model, "module"):
        fix = 'the state is of a wrapped model: pass {name.removeprefix("module."): x for name, x in state.items()}'
    else:
        fix = "build the model with the parameters that it was saved with"
        if strict:
            fix += ", or pass strict=False for names that differ"
        else:  # another head, as in transfer learning
            fix += '; or leave some out: {name: x for name, x in state.items() if not name.startswith("head.")}'
    fit = f"{sum(name in state for name in names)} of {len(names)} tensors fit by name"
    fit += f' in layout="{assumed}", which is assumed' if assumed else ""
    return f"[load_state_dict] {fit}: {shown}; expected the state of a {type(model).__name__} of this size; {fix}"
