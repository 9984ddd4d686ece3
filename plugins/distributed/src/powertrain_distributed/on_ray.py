"""Workers that are actors of a Ray cluster.

Ray places them on machines, and starts one again where its process or its machine ends. The first worker of a run is
the process that asks for them. Arrays go from worker to worker by TCP.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain.plugin import LostWorkerError, WorkerError
from powertrain_distributed.meeting import TOKEN, Address, Group, Listener
from powertrain_distributed.sockets import SocketTransport

try:
    import ray
except ImportError as error:
    raise WorkerError(
        f"[ray] Ray cannot be imported: {error}; expected it on every machine; pip install 'powertrain[ray]'"
    ) from error

# What takes part in a run: it gets the run, as the engine describes it, and a transport. What goes wrong it returns, in
# words, or nothing.
Part = Callable[[Mapping[str, Any], SocketTransport], str]

PLACED_SECONDS = 120.0  # in which Ray has to start all workers of a run; a busy machine needs half of it
ENDED_SECONDS = 2.0  # for a worker to end its part, or to be there again, after another one was lost
STUCK_SECONDS = 60.0  # for one that computes: it ends its part at the next sum
ANSWER_SECONDS = 5.0  # in which a process that runs answers
LOOK_SECONDS = 0.5
# What a client begins with, and what each frame does: 3 bytes of length, one of its kind, and 5 more (RFC 9113, 3.4).
HTTP2_BEGINS = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
HTTP2_HEAD, HTTP2_KIND, HTTP2_FLAGS, HTTP2_SETTINGS = 9, 3, 4, b"\x04"
CLIENT = "ray://"
CREATION = "died because of an error raised in its creation"  # of an actor, in words of Ray


class Worker:
    """An actor: a worker of one group after the other."""

    def __init__(self, part: Part) -> None:
        self._part = part  # with it the engine is imported here, before anybody waits for this worker
        self._listener: Listener | None = None

    @ray.method(concurrency_group="watch")  # type: ignore[untyped-decorator, unused-ignore]
    def alive(self) -> bool:
        """What a process that runs answers, whatever else it does."""
        return True

    def listen(self) -> Address:
        """Where the partners of the next group find this worker."""
        if self._listener is not None:  # of a group that has not begun
            self._listener.close()
        self._listener = Listener(ray.util.get_node_ip_address())
        return self._listener.address

    def take_part(self, folder: str, job: Mapping[str, Any], group: Group) -> str:
        """Follow a run to its end; what went wrong here, in words."""
        assert self._listener is not None
        try:
            os.chdir(folder)
        except OSError as error:
            return f"[{folder}] {error.strerror}; expected the folder of worker 0; share it among the machines"
        try:
            with contextlib.closing(self._listener) as listener:
                transport = listener.connect(group)
        except LostWorkerError:  # others tell what happened
            return ""
        try:
            failure = self._part(job, transport)
            if not failure:
                transport.leave()
            return failure
        except LostWorkerError:
            return ""
        except WorkerError as error:  # of all workers, if they differ: then the first one needs the last sum
            transport.leave()
            return str(error)
        finally:
            transport.close()


@contextlib.contextmanager
def connected(
    address: str, count: int, threads: int, waits: bool, part: Part, job: Mapping[str, Any]
) -> Iterator[Cluster]:
    """The workers of a run: this process, and so many others that the cluster at an address starts. Each has so many
    threads, and Ray is asked for as many processors. `waits` says whether a lost one is waited for until Ray has
    started another. They end with the block."""
    joined = not ray.is_initialized()
    if joined:
        _join(address, (count - 1) * threads)
    with contextlib.ExitStack() as stack:
        if joined:
            stack.callback(ray.shutdown)
        cluster = Cluster(count, threads, waits, part, {**job, "threads": threads})
        stack.callback(cluster.close)
        stack.callback(pt.set_threads, pt.get_threads())
        pt.set_threads(threads)
        yield cluster


def _join(address: str, processors: int) -> None:
    """Join the cluster at an address; a local one is made for so many processors at least."""
    if address.startswith(CLIENT):
        raise WorkerError(
            f"[ray {address}] the address of a Ray Client, through which workers cannot reach this process; expected "
            "a cluster that this machine has joined, such as auto; submit the command as a job: ray job submit -- "
            "powertrain train ..."
        )
    fix = "expected a running cluster; start one with ray start --head, or write local"
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        try:
            answers = _speaks_grpc(host, int(port))
        except OSError as error:
            raise WorkerError(f"[ray {address}] {error.strerror or error}; {fix}") from error
        if not answers:
            raise WorkerError(f"[ray {address}] what answers there is no Ray cluster; {fix}")
    own: dict[str, Any] = {"num_cpus": max(processors, os.cpu_count() or 1), "include_dashboard": False}
    try:
        ray.init(address, log_to_driver=False, configure_logging=False, **(own if address == "local" else {}))
    except Exception as error:  # of many kinds, Exception itself among them
        said = str(error).strip().splitlines()
        raise WorkerError(f"[ray {address}] {said[0].rstrip('.') if said else type(error).__name__}; {fix}") from error


def _speaks_grpc(host: str, port: int) -> bool:
    """Whether a head of a cluster may answer there, which begins as HTTP/2 does. Ray itself would wait for a minute
    where nobody answers, and without end where somebody else does."""
    until = time.monotonic() + ANSWER_SECONDS
    with socket.create_connection((host, port), ANSWER_SECONDS) as end:
        if os.environ.get("RAY_USE_TLS") == "1":
            return True
        end.sendall(HTTP2_BEGINS)
        said = b""
        while len(said) < HTTP2_HEAD and (left := until - time.monotonic()) > 0:
            end.settimeout(left)
            if not (more := end.recv(HTTP2_HEAD - len(said))):
                break
            said += more
    return said[HTTP2_KIND:HTTP2_FLAGS] == HTTP2_SETTINGS


class Cluster:
    """The actors of a run."""

    def __init__(self, count: int, threads: int, waits: bool, part: Part, job: Mapping[str, Any]) -> None:
        self._threads, self._waits, self._job = threads, waits, job
        self.then = "once Ray has started another worker" if waits else "with those that are left"
        self._begun = False
        made = ray.remote(num_cpus=threads, max_restarts=-1, max_task_retries=0, concurrency_groups={"watch": 1})
        self._actors = [made(Worker).remote(part) for _ in range(count - 1)]

    @contextlib.contextmanager
    def group(self) -> Iterator[SocketTransport]:
        """The workers that are there: at first all of them; then, by what was asked for, all of them again, or the
        largest power of two that are left."""
        listening = self._listening()
        actors = list(listening)[: _power_of_two(1 + len(listening)) - 1]
        with contextlib.closing(Listener(ray.util.get_node_ip_address())) as listener:
            addresses = [listener.address, *(listening[actor] for actor in actors)]
            token = secrets.token_bytes(TOKEN)
            mine, *others = [Group(rank, addresses, token) for rank in range(len(addresses))]
            tasks = [
                actor.take_part.remote(str(Path.cwd()), self._job, other)
                for actor, other in zip(actors, others, strict=True)
            ]
            try:
                with contextlib.closing(listener.connect(mine, lambda: _demand_working(tasks))) as transport:
                    self._begun = True
                    yield transport
                    transport.leave()
            except LostWorkerError as error:
                raise self._what_ended(actors, tasks) or error from None

    def _listening(self) -> dict[Any, Address]:
        """The actors that can begin, and where they wait."""
        asked = {actor.listen.remote(): actor for actor in self._actors}
        found: dict[Any, Address] = {}
        start = time.monotonic()
        while len(found) < len(self._actors):
            waited = time.monotonic() - start
            if self._begun and not self._waits and waited > ENDED_SECONDS:
                break
            if not self._begun and waited > PLACED_SECONDS:
                raise WorkerError(
                    f"[ray] Ray has started {len(found)} of {len(self._actors)} workers within {PLACED_SECONDS:g} s; "
                    f"expected room for each, of {self._threads} processors; the cluster has "
                    f"{ray.cluster_resources().get('CPU', 0):g} and {ray.available_resources().get('CPU', 0):g} are "
                    "free; take fewer --workers or --threads, or add machines"
                )
            ready, _ = ray.wait(list(asked), timeout=LOOK_SECONDS)
            for task in ready:
                actor = asked.pop(task)
                try:
                    found[actor] = Address(*ray.get(task))
                except ray.exceptions.RayActorError as error:  # it is being started again, if it has begun once
                    if not self._begun and CREATION in str(error):
                        raise WorkerError.lost(1 + self._actors.index(actor), f"cannot begin: {_why(error)}") from error
                    time.sleep(LOOK_SECONDS)
                    asked[actor.listen.remote()] = actor
                except ray.exceptions.RayError as error:
                    raise WorkerError.lost(1 + self._actors.index(actor), f"cannot begin: {_why(error)}") from error
        return {actor: found[actor] for actor in self._actors if actor in found}

    def _what_ended(self, actors: Sequence[Any], tasks: Sequence[Any]) -> WorkerError | None:
        """The error of the worker that was lost first; an actor that does not come to its end is ended."""
        ray.wait(list(tasks), num_returns=len(tasks), timeout=ENDED_SECONDS)
        lost: WorkerError | None = None
        for rank, (actor, task) in enumerate(zip(actors, tasks, strict=True), 1):
            try:
                failure = _awaited(actor, task)
            except ray.exceptions.GetTimeoutError:
                ray.kill(actor, no_restart=False)
                lost = lost or LostWorkerError.lost(rank, "has given no sign of life, and was ended")
            except ray.exceptions.RayActorError as error:
                lost = lost or LostWorkerError.lost(rank, f"has ended: {_why(error)}")
            except ray.exceptions.RayError as error:
                return WorkerError.lost(rank, f"has ended: {_why(error)}")
            else:
                if failure:
                    return WorkerError.lost(rank, f"has ended: {failure}")
        return lost

    def close(self) -> None:
        for actor in self._actors:
            ray.kill(actor)


def _awaited(actor: Any, task: Any) -> str:
    """What an actor's part came to, which is waited for as long as the process runs."""
    until = time.monotonic() + STUCK_SECONDS
    while True:
        try:
            return str(ray.get(task, timeout=0))
        except ray.exceptions.GetTimeoutError:
            if time.monotonic() > until:
                raise
            ray.get(actor.alive.remote(), timeout=ANSWER_SECONDS)
            ray.wait([task], timeout=LOOK_SECONDS)


def _demand_working(tasks: Sequence[Any]) -> None:
    """Raise where an actor has ended its part before it began."""
    done, _ = ray.wait(list(tasks), timeout=0)
    if done:
        raise LostWorkerError.lost(1 + tasks.index(done[0]), "has left the others")


def _power_of_two(most: int) -> int:
    return 1 << (most.bit_length() - 1)


def _why(error: Exception) -> str:
    """What Ray says of the end of an actor, in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    if CREATION in str(error):  # the exception itself comes last
        return lines[-1]
    reasons = [line for line in lines if "exit" in line.lower() or "died" in line.lower()]
    return (reasons or lines or [type(error).__name__])[0].rstrip(".")
