"""What is known of a request: by its head, and what its log line says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

if TYPE_CHECKING:
    from powertrain_serve.model import Model
    from powertrain_serve.table import Versions


@dataclass
class Context:
    """Made where a request comes in, and filled in on its way."""

    id: str
    began: float
    deadline: float
    headers: Mapping[bytes, bytes] = field(default_factory=dict)  # the first of each name
    status: int = 0  # of the answer, once it has begun
    chosen: tuple[Versions, Model] | None = None  # who answers: chosen once, since a canary's turn counts
    model: str = ""
    version: str = ""
    examples: int = 0
    later: list[Callable[[], object]] = field(default_factory=list)  # what can wait until the answer was sent

    def header(self, name: bytes) -> str:
        """A header by its name in small letters; an empty text where there is none."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def content_type(self) -> str:
        return self.header(b"content-type").partition(";")[0].strip().lower()


def context_of(request: Request) -> Context:
    found: Context = request.scope["powertrain"]
    return found
