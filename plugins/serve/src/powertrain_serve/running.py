"""A server inside of a program: for notebooks and tests."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

from powertrain_serve.app import Application
from powertrain_serve.listening import bound_socket, server, switching_soon
from powertrain_serve.loading import Loader
from powertrain_serve.service import Service
from powertrain_serve.settings import Settings
from powertrain_serve.wanted import Wanted, of_file


@contextlib.contextmanager
def running(
    runs: Mapping[str, str | PathLike[str]] | str | PathLike[str], settings: Settings | None = None
) -> Iterator[str]:
    """Serve runs from a thread of this program, for the length of a block that is given the server's address.

    runs       the folder of each run, by the name of the model; or the TOML file that `--models` takes
    settings   `Settings(port=0)` where they are not given: this machine alone, a free port, no token

    Errors     a run that cannot be loaded; an address that is in use
    Example
        >>> with running({"digits": "runs/digits-1"}) as address:  # doctest: +SKIP
        ...     print(address)
        http://127.0.0.1:40123
    """
    settings = settings or Settings(port=0)
    if isinstance(runs, Mapping):
        wanted = {name: Wanted({"1": Path(folder)}, "1") for name, folder in runs.items()}
        loader = Loader(settings, lambda: wanted)
    else:
        file = Path(runs)
        loader = Loader(settings, lambda: of_file(file))
    with serving(Service(settings, loader)) as address:
        yield address


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    """Load a service and run it from a thread, for the length of a block."""
    bound = bound_socket(service.settings)
    application = Application(service)
    made = server(application, service, application.direct)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [bound]}, name="powertrain-serve")
    try:
        service.reload()
        thread.start()
        host, port = bound.getsockname()[:2]
        with switching_soon():
            yield f"http://{host}:{port}"
    finally:
        made.should_exit = True
        if thread.ident is not None:
            thread.join()
        else:
            service.close()
        bound.close()
