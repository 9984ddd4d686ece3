"""What modules are asked for by names of other libraries: an error that shows the line to write."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NoReturn

from powertrain.nn import checks

if TYPE_CHECKING:
    from powertrain.nn.module import Module

_GRADIENTS = "loss, grads = pt.nn.value_and_grad(model, loss_fn)(x, y), then opt.update(grads)"
_PLACE = "nothing: modules are in main memory, and pt.compile(step, backend=...) says where a step runs"
_GRADIENT_HOOK = "pt.custom_gradient around what should have another gradient"
# One row for each name, sorted: what to write in its place.
WRITE = {
    "bfloat16": "model.to('bfloat16')",
    "compile": "step = pt.compile(lambda x: model(x))",
    "count_params": "sum(p.size for p in model.parameters())",
    "cpu": _PLACE,
    "cuda": _PLACE,
    "double": "model.to('float64')",
    "float": "model.to('float32')",
    "get_weights": "model.state_dict()",
    "grad": _GRADIENTS,
    "half": "model.to('float16')",
    "layers": "model.children(), or model.named_modules()",
    "load_weights": "model.load_state_dict(state)",
    "mps": _PLACE,
    "num_parameters": "sum(p.size for p in model.parameters())",
    "register_backward_hook": _GRADIENT_HOOK,
    "register_full_backward_hook": _GRADIENT_HOOK,
    "register_full_backward_pre_hook": _GRADIENT_HOOK,
    "requires_grad_": "model.freeze() for False, model.unfreeze() for True",
    "save_weights": "model.state_dict()",
    "set_weights": "model.load_state_dict(state)",
    "share_memory": "nothing: threads share the slots, and another process is given model.state_dict()",
    "to_empty": "model.load_state_dict(state)",
    "trainable_variables": "model.trainable()",
    "trainable_weights": "model.trainable()",
    "type": "model.to(dtype)",
    "variables": "model.parameters()",
    "weights": "model.parameters()",
    "xpu": _PLACE,
    "zero_grad": f"nothing: gradients are values, and each call gives its own; {_GRADIENTS}",
}


def unknown(module: Module, name: str) -> NoReturn:
    """Raise the error for an attribute that a module does not have."""
    where = type(module).__name__
    if name in WRITE and "_modules" in vars(module):
        raise checks.MissingNameError(f"[{where}] {name}; expected a name of {where}; write {WRITE[name]}")
    own = [one for one in (*vars(module), *dir(type(module))) if not one.startswith("_")]
    near = difflib.get_close_matches(name, own, 1) if not name.startswith("__") else []
    fix = f"did you mean {near[0]}?" if near else "assign it before it is read"
    raise checks.MissingNameError(f"[{where}] {name}; expected an attribute of {where}; {fix}")
