"""What is known of a request: by its head, and what its log line says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request


@dataclass
class Context:
    """Made where a request comes in, and filled in on its way."""

    id: str
    began: float
    deadline: float
    headers: Mapping[bytes, bytes] = field(default_factory=dict)  # the first of each name
    status: int = 0  # of the answer, once it has begun
    model: str = ""
    version: str = ""
    examples: int = 0


def context_of(request: Request) -> Context:
    found: Context = request.scope["powertrain"]
    return found


def header_of(request: Request, name: bytes) -> str:
    """A header by its name in small letters; an empty text where there is none."""
    return context_of(request).headers.get(name, b"").decode("latin-1")


def content_type_of(request: Request) -> str:
    return header_of(request, b"content-type").partition(";")[0].strip().lower()
