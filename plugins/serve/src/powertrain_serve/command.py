"""What `powertrain serve` does: check, load in the background, answer until a signal."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from powertrain.models import resolved
from powertrain.monitor import Webhook, read_rules
from powertrain_serve.app import Application
from powertrain_serve.container import container_file, distributions_of
from powertrain_serve.errors import ServeError
from powertrain_serve.listening import bound_socket, handling, server, switching_soon
from powertrain_serve.loading import Loader
from powertrain_serve.logs import log, on_standard_error
from powertrain_serve.service import Service
from powertrain_serve.settings import TOKEN_VARIABLE, Limits, Settings, Watched, demand_safe, token_of
from powertrain_serve.settling import Settling, give_back_memory
from powertrain_serve.wanted import Wanted, of_arguments, of_file


def serve(options: argparse.Namespace) -> int:
    """Run the server, or write the file of a container; the exit code."""
    wanted = _wanted(options.runs, options.models)
    if options.container_file:
        return _write_container(options.runs, options.port)
    token = "" if options.no_auth else token_of(options.token_file)
    demand_safe(options.host, token, options.no_auth)
    settings = Settings(
        host=options.host, port=options.port, token=token, trust=options.trust, threads=options.threads,
        limits=limits_of(options), watched=_watched(options),
    )  # fmt: skip
    loader = Loader(settings, lambda: _wanted(options.runs, options.models) if options.models else wanted)
    with on_standard_error():
        run(Service(settings, loader))
    return 0


def limits_of(options: argparse.Namespace) -> Limits:
    return Limits(
        body=int(options.max_body * (1 << 20)), held=max(Limits.held, int(2 * options.max_body * (1 << 20))),
        rows=options.max_examples, tokens=options.max_tokens, queue=options.max_queue,
        connections=options.max_connections, seconds=options.timeout, grace=options.grace, batch=options.max_batch,
        wait=options.max_wait / 1000,
    )  # fmt: skip


def _watched(options: argparse.Namespace) -> Watched | None:
    if options.no_monitor:
        return None
    rules = Watched.rules if options.rules is None else read_rules(options.rules)
    if options.webhook is not None:
        Webhook(options.webhook)  # a wrong address is said now
    return Watched(options.window, rules, options.webhook)


def _wanted(runs: Sequence[str], models: Path | None) -> Mapping[str, Wanted]:
    if bool(runs) == (models is not None):
        received = f"{len(runs)} runs and {models}" if models else "no run"
        raise ServeError(
            f"[serve] {received}; expected runs, or --models FILE; for example powertrain serve runs/digits-1"
        )
    return of_arguments(runs) if models is None else of_file(models)


def _write_container(runs: Sequence[str], port: int) -> int:
    if len(runs) != 1:
        raise ServeError(f"[serve --container-file] {len(runs)} runs; expected one; name a single run")
    ((name, wanted),) = of_arguments(runs).items()
    (folder,) = wanted.versions.values()
    path = resolved(folder)
    sys.stdout.write(container_file(name, path.as_posix(), port, TOKEN_VARIABLE, distributions_of(path)))
    return 0


def run(service: Service) -> None:
    """Answer until a signal asks for the end. Models are loaded meanwhile; a first load that fails ends the server."""
    settings = service.settings
    bound = bound_socket(settings)
    failed: list[BaseException] = []
    settling = Settling(settings.limits.seconds, _settle)  # when no request can be using a model that was replaced
    application = Application(service)
    made = server(application, service, application.direct)

    def load() -> None:
        try:
            service.reload()
            _settle()
            service.loaded = settling.later
        except BaseException as error:
            failed.append(error)
            made.should_exit = True

    def again(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=_reload, args=(service,), daemon=True).start()

    host, port = bound.getsockname()[:2]
    with bound, switching_soon(), handling(made, {signal.SIGHUP: again}):
        log("listening", host=host, port=port, pid=os.getpid(), authenticated=bool(settings.token))
        loading = threading.Thread(target=load, name="powertrain-serve-loader", daemon=True)
        loading.start()
        made.run(sockets=[bound])
    if failed:
        raise failed[0]
    log("ended")


def _settle() -> None:
    """Keep what is here, modules and models above all, out of later collections, each of which would hold up requests
    for some hundredths of a second; models that were replaced go now, with their memory."""
    gc.unfreeze()
    gc.collect()
    give_back_memory()
    gc.freeze()


def _reload(service: Service) -> None:
    try:
        service.reload()
    except Exception as error:  # said in the log; the old models go on
        del error
