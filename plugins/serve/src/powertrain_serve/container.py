"""A file from which docker or podman builds an image that serves a run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import powertrain as pt
from powertrain.data import open_file

_MOST_LOCK = 1 << 20
_NAME, _VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"), re.compile(r"[0-9][A-Za-z0-9.+!-]{0,40}")
_TEXT = """\
# Build it where the folder {run} lies:   docker build -t {name} -f Containerfile .
# Run it with a token of your own:         docker run -p {port}:{port} -e {token} {name}
FROM python:3.12-slim
RUN pip install --no-cache-dir "powertrain=={version}" "powertrain-serve[metrics]"{more}
RUN useradd --create-home --uid 10001 serve
COPY --chown=root:root {run} /models/{name}
USER serve
WORKDIR /home/serve
EXPOSE {port}
# Others reach a container's address, so the server wants a token: {token} in the environment, or --token-file.
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/v2/health/ready', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["powertrain", "serve", "{name}=/models/{name}", "--host", "0.0.0.0", "--port", "{port}"]
"""


def container_file(name: str, run: str, port: int, token: str, distributions: Sequence[str] = ()) -> str:
    """The text of the file; `token` is the name of the variable that holds it, and `distributions` are the plugins that
    the run needs.

    >>> container_file("digits", "runs/digits-1", 8000, "TOKEN").splitlines()[2]
    'FROM python:3.12-slim'
    """
    more = "".join(f' "{one}"' for one in distributions)
    return _TEXT.format(name=name, run=run, port=port, token=token, version=pt.__version__, more=more)


def distributions_of(run: Path) -> list[str]:
    """The plugins of a run by its run.lock, as `name==version`. Odd names are left out, as they would stand in a
    command."""
    try:
        with open_file(run / "run.lock") as file:
            uses = json.loads(file.read(_MOST_LOCK))["uses"]
        named = {(str(one.get("distribution", "")), str(one.get("version", ""))) for one in uses}
    except (pt.Error, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return []
    return sorted(
        f"{name}=={version}" for name, version in named
        if name != "powertrain" and _NAME.fullmatch(name) and _VERSION.fullmatch(version)
    )  # fmt: skip
