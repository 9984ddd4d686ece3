"""What a server is told: where it listens, who may ask, and its limits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from powertrain.monitor import USUAL, DetectorRule, Rule
from powertrain_serve.errors import ServeError

TOKEN_VARIABLE = "POWERTRAIN_SERVE_TOKEN"
LEAST_TOKEN = 16  # characters; shorter ones can be tried out
MOST_HEAD = 32 << 10  # bytes of a request before its body


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request, one connection and all of them together may take."""

    body: int = 16 << 20  # bytes of a request
    held: int = 256 << 20  # bytes of all requests that are being read or wait
    rows: int = 4096  # examples of a request
    pixels: int = 25_000_000  # of a picture, which takes far fewer bytes than it has pixels
    queue: int = 256  # requests that wait for the engine
    connections: int = 512
    seconds: float = 30.0  # for a request, from its first byte to its answer
    header_seconds: float = 10.0  # for the lines of a request before its body
    idle_seconds: float = 15.0  # of a connection without a request
    grace: float = 30.0  # seconds in which requests may finish when the server ends
    batch: int = 64  # examples that the engine computes at once
    texts: int = 4  # that are written side by side
    tokens: int = 8192  # of the prompts of a request and of what is to follow them
    choices: int = 8  # texts of a request
    wait: float = 0.002  # seconds in which a request waits for others that are being read


@dataclass(frozen=True)
class Watched:
    """How the monitor compares what models are asked with what they were trained on."""

    window: int = 1000  # examples that are compared at a time
    rules: Sequence[Rule | DetectorRule] = USUAL
    webhook: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)
    metrics: bool = True
    trust: bool = False
    threads: int | None = None
    watched: Watched | None = field(default_factory=Watched)  # nothing: no monitor

    @property
    def local(self) -> bool:
        return is_local(self.host)


class Served(Protocol):
    """What a server and its connections must know of what is served."""

    settings: Settings
    connections: int
    asked: int  # requests whose heads were read, and that are not answered
    stopping: bool  # it was told to end: what is here is answered, and others should ask elsewhere


def is_local(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def token_of(file: Path | None) -> str:
    """The bearer token: of a file, or of the environment. Never of the command line, which other users can read."""
    if file is None:
        token, where = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not token:
            return ""
    else:
        try:
            token, where = file.read_text(encoding="utf-8"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise ServeError(
                f"[serve {file}] {getattr(error, 'strerror', None) or 'it is not UTF-8'}; expected a file "
                f"that holds a token; write one: python -c 'import secrets; print(secrets.token_urlsafe())' > {file}"
            ) from None
    token = token.strip()
    if len(token) < LEAST_TOKEN or not token.isascii() or any(sign.isspace() for sign in token):
        raise ServeError(
            f"[serve {where}] a token of {len(token)} characters; expected at least {LEAST_TOKEN}, in ASCII and "
            "without spaces; make one: python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token


def demand_safe(host: str, token: str, no_auth: bool) -> None:
    """Refuse to answer other machines without a token, unless that was asked for."""
    if not token and not no_auth and not is_local(host):
        raise ServeError(
            f"[serve --host {host}] an address that other machines reach, and no token; expected one in "
            f"{TOKEN_VARIABLE} or --token-file; give one, leave --host out, or say --no-auth where something before "
            "the server checks who asks"
        )
