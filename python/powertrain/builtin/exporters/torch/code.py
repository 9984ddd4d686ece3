"""The module of a run as a Python file for PyTorch: its layers, and what calls them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import powertrain as pt
from powertrain import nn
from powertrain.builtin.exporters.torch.layers import CLASSES, FUNCTIONS, layer
from powertrain.plugin.exporter import ExportError

WIDTH = 118
HEAD = '''\
"""{name}: a model that was trained with Powertrain, in PyTorch.

    python model.py examples.npy

prints an answer for each example. In Python, `predict(examples)` gives the outputs, and `load()` the module.
Images and sequences have their channels last, as the data has them.
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

HERE = Path(__file__).resolve().parent


'''
# What classes call, where one of them does.
HELPERS = {
    "(Parts)": '''\
class Parts(nn.Module):
    """A module whose parts are given by name."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
''',
    "rows(": '''\
def rows(x):
    """A batch as rows of floats."""
    return x.float().flatten(1)
''',
    "images(": '''\
def images(x):
    """A batch as [batch, height, width, channels] of floats."""
    return x.float().unsqueeze(-1) if x.dim() == 3 else x.float()
''',
}
TAIL = '''

def load(folder=HERE):
    """The module with its weights, in evaluation mode."""
    model = build()
    model.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    return model.eval()


def prepared(x, folder=HERE):
    """{what}"""
{transforms}    return x


def restored(y, folder=HERE):
    """Outputs of the module as they are given: in the unit of the targets, or calibrated."""
{target}    return y


def classes(y):
    """The numbers of the classes that an array of outputs means."""
    return {classes}


def predict(x, folder=HERE):
    """The outputs for an array of examples."""
    with torch.no_grad():
        outputs = load(folder)(prepared(torch.as_tensor(np.asarray(x)), folder))
        return restored(outputs, folder).numpy()


def main():
    labels = json.loads((HERE / "model.json").read_text(encoding="utf-8"))["labels"]
    outputs = predict(np.load(sys.argv[1]))
    for one in [labels[at] for at in classes(outputs)] if labels else outputs.tolist():
        print(one)


if __name__ == "__main__":
    main()
'''


def model_code(model: Any, name: str, transforms: list[str] | None, target: list[str], margin: float | None) -> str:
    """The text of model.py. `transforms` are lines that map x, None where the model begins behind them; `target` are
    lines that bring outputs y to the unit of the targets, or calibrate them. With a `margin` the second class is the
    answer where its output is so far above the first."""
    found = _Code()
    built = found.expression(model)
    lines = transforms or []
    what = "Examples as the module takes them, from what the data set has."
    if transforms is None:
        what = "Examples after the transforms of the data set, which this file does not have."
    classes = [f"{text.rstrip()}\n\n\n" for text in found.classes.values()]
    helpers = [f"{text}\n\n" for sign, text in HELPERS.items() if any(sign in one for one in classes)]
    return (
        HEAD.format(name=name)
        + "".join([*helpers, *classes])
        + f'def build():\n    """The module, with weights that are drawn."""\n    return {_indented(built)}\n'
        + TAIL.format(what=what, transforms=_lines(lines), target=_lines(target), classes=_classes(margin))
    )


def _classes(margin: float | None) -> str:
    if margin is None:
        return "y.argmax(axis=1)"
    return f"(y[:, 1].astype(np.float64) - y[:, 0] >= {margin!r}).astype(np.int64)"


def _lines(lines: list[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


class _Code:
    """Expressions that make modules, and the classes that they name."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}

    def expression(self, module: Any, path: str = "model") -> str:
        if (found := layer(module)) is not None:
            name = found.partition("(")[0]
            if name in CLASSES:
                self.classes[name] = CLASSES[name]
            return found
        if type(module) is nn.Sequential:
            return self._sequential(module, path)
        if type(module) is nn.ModuleList:
            return (
                f"nn.ModuleList([{', '.join(self.expression(one, f'{path}.{at}') for at, one in enumerate(module))}])"
            )
        forward = module.TORCH_FORWARD
        if not forward:
            raise ExportError(
                f"[export safetensors] {path} is a {type(module).__name__}, whose form in PyTorch is not known; "
                "expected layers of pt.nn, or a class that says it; write TORCH_FORWARD in that class, or save the "
                'weights alone: safetensors.numpy.save_file(run.model.state_dict("torch"), path)'
            )
        return self._parts(module, forward, path)

    def _sequential(self, module: Any, path: str) -> str:
        names = [name for name, _ in module._shown()]
        parts = [self._part(part, f"{path}.{name}") for name, part in zip(names, module, strict=True)]
        if names == [str(number) for number in range(len(names))]:
            return f"nn.Sequential({', '.join(parts)})"
        pairs = ", ".join(f"({name!r}, {part})" for name, part in zip(names, parts, strict=True))
        return f"nn.Sequential(OrderedDict([{pairs}]))"

    def _part(self, part: Any, path: str) -> str:
        if isinstance(part, nn.Module):
            return self.expression(part, path)
        modules = {"F.relu": "nn.ReLU()", "torch.tanh": "nn.Tanh()", "torch.sigmoid": "nn.Sigmoid()",
                   "F.gelu": "nn.GELU()", "F.silu": "nn.SiLU()"}  # fmt: skip
        return modules[self._value(part, path)]

    def _parts(self, module: Any, forward: str, path: str) -> str:
        """A class with that forward, made of its parts by their names."""
        name = type(module).__name__
        self._define(name, forward, path)
        arguments = []
        for key in _attributes(module, forward):
            value = vars(module).get(key, getattr(type(module), key, None))
            if isinstance(value, nn.Module):
                text = self.expression(value, f"{path}.{key}")
            elif isinstance(value, pt.Slot):
                text = f"nn.Parameter(torch.zeros({tuple(value.shape)!r}))"
            else:
                text = self._value(value, f"{path}.{key}")
            if not key.isidentifier():
                raise ExportError(f"[export safetensors] {path} has a part {key!r}; expected a name; rename it")
            arguments.append(f"{key}={text}")
        return f"{name}({', '.join(arguments)})"

    def _define(self, name: str, forward: str, path: str) -> None:
        text = f"class {name}(Parts):\n{textwrap.indent(textwrap.dedent(forward).strip(), '    ')}\n"
        if not name.isidentifier() or self.classes.setdefault(name, text) != text:
            raise ExportError(
                f"[export safetensors] {path} is of a class {name!r}, which is not a valid name, or the name "
                "of two classes; expected a name for each class; rename one"
            )

    def _value(self, value: Any, path: str) -> str:
        """A setting: a number, a text, None, tuples of them, or a function that PyTorch has too."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return repr(value)
        if isinstance(value, tuple):
            return f"({' '.join(f'{self._value(one, path)},' for one in value)})"
        if callable(value) and value in FUNCTIONS:
            return FUNCTIONS[value]
        raise ExportError(
            f"[export safetensors] {path} is a {type(value).__name__}; expected a number, a text, or an activation "
            "that PyTorch has; use one of these"
        )


def _attributes(module: Any, forward: str) -> Iterator[str]:
    """The parts of a module, and the settings that its forward reads, each once."""
    methods = re.findall(r"def (\w+)\(", forward)
    read = [name for name in re.findall(r"self\.(\w+)", forward) if name not in ("training", *methods)]
    yield from dict.fromkeys([*module._slots, *module._modules, *read])


def _indented(text: str) -> str:
    """An expression over several lines, one part a line where it would be too long."""
    return _broken(text, 1).lstrip()


def _broken(text: str, depth: int) -> str:
    pad = "    " * depth
    head, _, inside = text.partition("(")
    if len(pad) + len(text) <= WIDTH or not re.fullmatch(r"[\w.=]+", head):
        return pad + text
    listed = inside[:1] == "["
    begin, end, inside = ("([", "])", inside[1:-2]) if listed else ("(", ")", inside[:-1])
    parts = [_broken(part.strip(), depth + 1) for part in _separated(inside)]
    return f"{pad}{head}{begin}\n" + "".join(f"{part},\n" for part in parts) + f"{pad}{end}"


def _separated(text: str) -> Iterator[str]:
    """What commas outside of any bracket and text part."""
    depth, begin, within, escaped = 0, 0, "", False
    for at, sign in enumerate(text):
        if within:
            within = "" if sign == within and not escaped else within
            escaped = sign == "\\" and not escaped
        elif sign in "'\"":
            within = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[begin:at]
            begin = at + 1
    if text[begin:].strip():
        yield text[begin:]
