"""Trained runs over HTTP: `powertrain serve RUN`, or `running` inside of a program."""

from powertrain_serve.errors import ServeError
from powertrain_serve.running import running
from powertrain_serve.settings import Limits, Settings, Watched

__all__ = ["Limits", "ServeError", "Settings", "Watched", "running"]
