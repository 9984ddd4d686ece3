"""What a trace froze of plain objects, classes and dicts that a function, or a module, reads by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from oracles import same_bits
from powertrain import nn

X = pt.tensor(np.random.default_rng(0).standard_normal((5, 7)).astype("float32"))


def bits(value: Any) -> Any:
    return np.array(value.numpy())


class Settings:
    """As a configuration is written: numbers of the class, which an object may have otherwise."""

    scale = 2.0

    def __init__(self) -> None:
        self.shift = 1.0


class Configured(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def forward(self, x: Any) -> Any:
        return self.scaled(x) if isinstance(self.config, Settings) else x * self.config["scale"] + self.config["shift"]

    def scaled(self, x: Any) -> Any:
        return x * self.config.scale + self.config.shift

    def told(self) -> int:
        self.config.calls += 1
        return int(self.config.calls) + int(self.config.seen)


def with_default(settings: Any) -> Callable[[Any], Any]:
    def call(x: Any, given: Any = settings) -> Any:
        return x * given.scale + given.shift

    return call


WAYS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "variable": lambda s: lambda x: x * s.scale + s.shift,
    "of a module": Configured,
    "of what calls a module": lambda s: (lambda model: lambda x: model(x))(Configured(s)),
    "default": with_default,
    "partial": lambda s: functools.partial(lambda given, x: x * given.scale + given.shift, s),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", ["scale", "shift", "of the class"])
def test_numbers_of_a_configuration_are_facts(way: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    plain = WAYS[way](settings)
    compiled = pt.compile(lambda x: plain(x)) if isinstance(plain, nn.Module) else pt.compile(plain)
    before = bits(compiled(X))
    if change == "of the class":
        monkeypatch.setattr(Settings, "scale", 3.0)
    else:
        setattr(settings, change, 3.0)
    assert not same_bits(before, bits(compiled(X)))
    assert same_bits(bits(compiled(X)), bits(plain(X)))
    assert compiled.traces == 2


def test_numbers_of_a_class_and_of_a_dict_are_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    table: dict[str, Any] = {"scale": 2.0, "shift": 1.0, "deep": {"er": 1.0}, "calls": 0}

    def call(x: Any) -> Any:
        table["calls"] += 1  # its own count, which is no fact
        return x * Settings.scale * table["scale"] + table["deep"]["er"]

    compiled, model = pt.compile(call), Configured(table)
    through = pt.compile(lambda x: model(x))
    for number, (held, key) in enumerate([(table, "scale"), (table["deep"], "er")], 2):
        compiled(X)
        held[key] = 7.0
        assert same_bits(bits(compiled(X)), bits(call(X))) and compiled.traces == number
    monkeypatch.setattr(Settings, "scale", 5.0)
    assert same_bits(bits(compiled(X)), bits(call(X))) and compiled.traces == 4
    through(X)
    table["shift"] = 9.0
    assert same_bits(bits(through(X)), bits(model(X))) and through.traces == 2
    table["calls"] = 100
    compiled(X)
    assert compiled.traces == 4


def test_an_attribute_that_is_not_there_is_a_fact() -> None:
    class Scaled(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * getattr(self, "scale", 1.0)

    model = Scaled()
    compiled = pt.compile(lambda x: model(x))
    assert same_bits(bits(compiled(X)), bits(X))
    model.scale = 3.0
    assert same_bits(bits(compiled(X)), bits(X * 3.0)) and compiled.traces == 2


def test_what_a_call_does_not_read_of_a_configuration_is_no_fact() -> None:
    settings: Any = Settings()
    settings.calls = settings.seen = 0
    model = Configured(settings)
    compiled = pt.compile(lambda x: model(x))
    for _ in range(3):
        compiled(X)
        settings.seen += 1
        model.told()
    assert compiled.traces == 1
