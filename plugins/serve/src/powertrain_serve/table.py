"""Which model answers: names, versions, aliases, shares of the traffic. A table never changes; another replaces it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model


@dataclass(frozen=True)
class Share:
    """A version that gets some of the traffic: `percent` of 100 requests, evenly spaced."""

    version: str
    percent: float
    _count: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def turn(self) -> bool:
        number = next(self._count)
        return int((number + 1) * self.percent / 100) > int(number * self.percent / 100)


@dataclass(frozen=True)
class Versions:
    """The versions of one name. Requests that name none go to `live`, and a share of them to the canary; copies of a
    share go to the shadow, whose answers nobody sees."""

    models: Mapping[str, Model]
    live: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    canary: Share | None = None
    shadow: Share | None = None

    @property
    def live_model(self) -> Model:
        return self.models[self.live]

    def choose(self, version: str | None) -> Model:
        if version is None:
            canary = self.canary
            return self.models[canary.version if canary is not None and canary.turn() else self.live]
        found = self.models.get(self.aliases.get(version, version))
        if found is None:
            known = ", ".join([*self.models, *self.aliases])
            raise RefusedError(404, f"version {version[:80]!r}; expected one of {known}; name one of these, or none")
        return found

    def shadowed(self) -> Model | None:
        """The model that is to see a copy of this request, if it is its turn."""
        shadow = self.shadow
        return self.models[shadow.version] if shadow is not None and shadow.turn() else None


@dataclass(frozen=True)
class Table:
    names: Mapping[str, Versions]

    def versions(self, name: str | None) -> Versions:
        """The versions of a name; without one, those of the only or the first model."""
        if name is None:
            return next(iter(self.names.values()))
        found = self.names.get(name)
        if found is None:
            raise RefusedError(404, f"model {name[:80]!r}; expected one of {', '.join(self.names)}; name one of these")
        return found

    def models(self) -> Iterator[Model]:
        for versions in self.names.values():
            yield from versions.models.values()
