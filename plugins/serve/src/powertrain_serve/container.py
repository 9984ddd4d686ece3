"""A file from which docker or podman builds an image that serves a run."""

from __future__ import annotations

import powertrain as pt

_TEXT = """\
# Build it where the folder {run} lies:   docker build -t {name} -f Containerfile .
# Run it with a token of your own:         docker run -p {port}:{port} -e {token} {name}
FROM python:3.12-slim
RUN pip install --no-cache-dir "powertrain=={version}" "powertrain-serve[metrics]"
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


def container_file(name: str, run: str, port: int, token: str) -> str:
    """The text of the file; `token` is the name of the variable that holds it.

    >>> container_file("digits", "runs/digits-1", 8000, "TOKEN").splitlines()[2]
    'FROM python:3.12-slim'
    """
    return _TEXT.format(name=name, run=run, port=port, token=token, version=pt.__version__)
