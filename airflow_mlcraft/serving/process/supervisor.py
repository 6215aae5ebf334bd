"""The process that has the port: it starts workers, starts dead ones again, and swaps the model in all of them at once.

It is told what to do through a Unix socket in its state folder, which only its user can open.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.options import KEY_VARIABLE, Options
from airflow_mlcraft.serving.process.control_socket import serve_admin
from airflow_mlcraft.serving.process.worker import PRELOADED, Post, work

log = logging.getLogger(__name__)
_BACKLOG = 2048
_START = 120.0
_ORDER = 120.0
_SHORT = 30.0
_AGAIN = 1.0
_OWN = ("127.0.0.1", "::1")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def supervise(options: Options) -> None:
    """Serve until a signal or an order says to end."""
    listener = _listen(options)
    folder = Path(tempfile.mkdtemp(prefix="mlcraft-serving-"))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        asyncio.run(_Supervisor(options, listener, folder).live())
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Worker:
    number: int
    process: Any
    orders: Any
    model: Path
    ready: asyncio.Future[str]
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)


class _Supervisor:
    def __init__(self, options: Options, listener: socket.socket, folder: Path):
        self._options, self._listener, self._folder = options, listener, folder
        self._model = options.model
        self._before: tuple[Path, str] | None = None
        self._candidate: tuple[Path, str] | None = None
        self._content = ""
        self._workers: dict[int, _Worker] = {}
        self._ids = count(1)
        self._ending = False
        self._ended = asyncio.Event()
        self._restarts: set[asyncio.Task[None]] = set()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(PRELOADED))

    async def live(self) -> None:
        """From the first worker to the last."""
        loop = asyncio.get_running_loop()
        for which in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(which, self._end)
        async with contextlib.AsyncExitStack() as stack:
            for number in range(self._options.workers):
                self._start(number)
            await self._all_ready()
            if not self._ending and self._options.state is not None:
                await stack.enter_async_context(serve_admin(self._options.state, self._obey))
            if not self._ending:
                host, port = self._listener.getsockname()[:2]
                log.info("serving", extra={"fields": {"url": f"http://{host}:{port}", "content": self._content}})
                if host not in _OWN and not os.environ.get(KEY_VARIABLE):
                    log.warning("other machines may ask this server without a key; %s sets one", KEY_VARIABLE)
            await self._ended.wait()
            await self._drain()

    async def _all_ready(self) -> None:
        ready = [worker.ready for worker in self._workers.values()]
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            gathered = asyncio.gather(*ready)
            await asyncio.wait((gathered, ended), timeout=_START, return_when=asyncio.FIRST_COMPLETED)
            if gathered.done():
                self._content = gathered.result()[0]
            elif not self._ending:
                raise ServingError(f"the model was not loaded within {_START:g} s")
        except BaseException:
            await self._drain()
            raise
        finally:
            ended.cancel()

    def _start(self, number: int) -> None:
        ours, theirs = self._context.Pipe()
        post = Post(number, self._model, self._folder, self._listener, theirs)
        process = self._context.Process(target=work, args=(self._options, post), name=f"worker-{number}")
        process.start()
        theirs.close()
        loop = asyncio.get_running_loop()
        worker = _Worker(number, process, ours, self._model, loop.create_future())
        self._workers[number] = worker
        loop.add_reader(ours.fileno(), self._read, worker)

    def _read(self, worker: _Worker) -> None:
        try:
            message = worker.orders.recv()
        except (EOFError, OSError):
            self._gone(worker)
            return
        if message.get("event") == "ready":
            worker.ready.set_result(message["content"])
            if self._content and message["content"] != self._content:
                worker.process.terminate()  # it was started before a swap, and is to start again
        elif message.get("event") == "broken":
            worker.ready.set_exception(ServingError(message["error"]))
        elif (answer := worker.waiting.pop(message["id"], None)) is not None and not answer.done():
            if "error" in message:
                answer.set_exception(ServingError(message["error"]))
            else:
                answer.set_result(message["found"])

    def _gone(self, worker: _Worker) -> None:
        """The worker has ended: start another one, unless it was to end, or cannot start at all."""
        asyncio.get_running_loop().remove_reader(worker.orders.fileno())
        worker.orders.close()
        worker.process.join()
        self._mark_dead(worker.process.pid)
        lost = ServingError(f"worker {worker.number} ended with {worker.process.exitcode}")
        for answer in [worker.ready, *worker.waiting.values()]:
            if not answer.done():
                answer.set_exception(lost)
        worker.ready.exception()  # it was seen
        if self._workers.get(worker.number) is worker:
            del self._workers[worker.number]
        if self._ending or not self._content:
            return
        log.error("worker ended", extra={"fields": {"worker": worker.number, "exit": worker.process.exitcode}})
        task = asyncio.get_running_loop().create_task(self._start_again(worker.number))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _start_again(self, number: int) -> None:
        await asyncio.sleep(_AGAIN)
        if not self._ending:
            self._start(number)

    def _mark_dead(self, pid: int) -> None:
        """What a worker had in flight is no longer there; what it has counted stays."""
        for path in self._folder.glob(f"gauge_live*_{pid}.db"):
            path.unlink(missing_ok=True)

    async def _obey(self, order: dict[str, Any]) -> Any:
        """What is asked through the admin socket."""
        orders: dict[Any, Callable[[], Awaitable[Any]]] = {
            "status": self._status,
            "self_test": self._self_test,
            "stop": self._stop,
            "prepare": lambda: self._prepare(Path(order["model"])),
            "try": lambda: self._try(order["content"], order["records"]),
            "commit": lambda: self._commit(order["content"]),
            "revert": self._revert,
            "confirm": self._confirm,
        }
        if order.get("do") not in orders:
            raise ServingError(f"there is no order {order.get('do')!r}")
        return await orders[order["do"]]()

    async def _stop(self) -> None:
        asyncio.get_running_loop().call_soon(self._end)

    async def _try(self, content: str, records: list[Any]) -> list[Any]:
        return await self._tell_all({"do": "try", "content": content, "records": records}, _SHORT)

    async def _confirm(self) -> None:
        self._before = None
        await self._tell_all({"do": "confirm"}, _SHORT)

    async def _status(self) -> dict[str, Any]:
        workers = await self._tell_all({"do": "status"}, _SHORT)
        host, port = self._listener.getsockname()[:2]
        return {
            "pid": os.getpid(),
            "host": host,
            "port": port,
            "content": self._content,
            "model": str(self._model),
            "workers": workers,
        }

    async def _self_test(self) -> str:
        return self._options.self_test

    async def _prepare(self, model: Path) -> str:
        found = set(await self._tell_all({"do": "prepare", "model": str(model)}, _ORDER))
        if len(found) != 1:
            raise ServingError(f"{model} was changed while it was loaded")
        content = str(found.pop())
        self._candidate = (model, content)
        return content

    async def _commit(self, content: str) -> None:
        if self._candidate is None or self._candidate[1] != content:
            raise ServingError(f"no model with the content {content} was prepared")
        try:
            await self._tell_all({"do": "commit", "content": content}, _SHORT)
        except ServingError:
            # One of them has died meanwhile: the others go back, so that all say the same.
            with contextlib.suppress(ServingError):
                await self._tell_all({"do": "revert"}, _SHORT)
            raise
        self._before = (self._model, self._content)
        (self._model, self._content), self._candidate = self._candidate, None
        log.info("model swapped", extra={"fields": {"content": content}})

    async def _revert(self) -> None:
        if self._before is None:
            raise ServingError("there is no model to go back to")
        await self._tell_all({"do": "revert"}, _SHORT)
        (self._model, self._content), self._before = self._before, None
        log.info("model reverted", extra={"fields": {"content": self._content}})

    async def _tell_all(self, order: dict[str, Any], seconds: float) -> list[Any]:
        """The answers of all workers; an error when one of them cannot."""
        answers = []
        for worker in self._workers.values():
            number = next(self._ids)
            answer = worker.waiting[number] = asyncio.get_running_loop().create_future()
            try:
                worker.orders.send({**order, "id": number})
            except OSError:
                answer.set_exception(ServingError(f"worker {worker.number} is gone"))
            answers.append(answer)
        if not answers:
            raise ServingError("there is no worker now; try again")
        try:
            found = await asyncio.wait_for(asyncio.gather(*answers, return_exceptions=True), seconds)
        except asyncio.TimeoutError:
            raise ServingError(f"the workers did not {order['do']} within {seconds:g} s") from None
        for value in found:
            if isinstance(value, BaseException):
                raise value
        return list(found)

    def _end(self) -> None:
        self._ending = True
        self._ended.set()

    async def _drain(self) -> None:
        """Let the workers finish what they have begun."""
        self._ending = True
        log.info("ending")
        self._listener.close()
        processes = [worker.process for worker in self._workers.values()]
        with contextlib.suppress(MlcraftError):
            await self._tell_all({"do": "drain"}, _SHORT)
        deadline = asyncio.get_running_loop().time() + self._options.grace + 5
        while any(process.is_alive() for process in processes):
            if asyncio.get_running_loop().time() > deadline:
                for process in processes:
                    process.kill()
            await asyncio.sleep(0.02)


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = "another program has it" if error.errno == errno.EADDRINUSE else error.strerror
        raise ServingError(f"cannot listen on {options.host} port {options.port}: {reason}") from None
    listener.setblocking(False)
    return listener
