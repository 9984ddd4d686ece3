"""Layers of a model by depth: a rate for each of them, and the update at which each begins to be trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from powertrain.optim.settings import OptimizerError


def layers_of(paths: Iterable[str]) -> dict[str, int]:
    """The layer of each parameter, counted from the input, by the order of the names.

    A layer is what stands below one number, such as blocks.3. What stands before, between and behind numbered ones is a
    layer each. A model without numbers has one for each of its parts.

    >>> layers_of(["embed.weight", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "norm.bias", "head.bias"])
    {'embed.weight': 0, 'blocks.0.weight': 1, 'blocks.0.bias': 1, 'blocks.1.weight': 2, 'norm.bias': 3, 'head.bias': 3}
    """
    names = list(paths)
    numbered = any(_numbered(name) for name in names)
    found: dict[str, int] = {}
    seen: dict[str, int] = {}
    count, last = 0, None
    for name in names:
        key = _numbered(name) or ("" if numbered else name.partition(".")[0])
        if key != "" and key in seen:  # named again further on, as what is tied is
            found[name] = seen[key]
            continue
        if key != last or last is None:
            count += 1
        if key:
            seen[key] = count - 1
        found[name], last = count - 1, key
    return found


def _numbered(name: str) -> str:
    """A name up to its first number; empty where there is none."""
    parts = name.split(".")
    place = next((at for at, part in enumerate(parts) if part.isdigit()), None)
    return "" if place is None else ".".join(parts[: place + 1])


def from_the_output(where: str, paths: Iterable[str], settings: Mapping[str, float | None]) -> dict[str, int]:
    """How many layers lie between each parameter and the output; an error where that makes no difference."""
    layers = layers_of(paths)
    deepest = max(layers.values(), default=0)
    if deepest == 0:
        name, value = next((name, value) for name, value in settings.items() if value is not None)
        raise OptimizerError(
            f"[{where}] {name} = {value:g} with parameters of one layer; expected several layers, such as blocks.0 and "
            f"blocks.1; leave {name} out"
        )
    return {path: deepest - layer for path, layer in layers.items()}
