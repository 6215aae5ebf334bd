"""The supervisor process: it owns the port, starts and restarts workers, and swaps the model in all of them at once.

It takes commands from the control socket in its state folder.
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

from airflow_mlcraft.adapters.prometheus import remove_live_gauges, share_values
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.options import KEY_VARIABLE, Options
from airflow_mlcraft.serving.process.control_socket import serve_control_socket
from airflow_mlcraft.serving.process.worker import PRELOADED_MODULES, WorkerConfig, run_worker

log = logging.getLogger(__name__)
_BACKLOG = 2048
_START_SECONDS = 120.0
_LOAD_SECONDS = 120.0
_COMMAND_SECONDS = 30.0
_RESTART_DELAY = 1.0
_LOOPBACK_HOSTS = ("127.0.0.1", "::1")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def supervise(options: Options) -> None:
    """Serve until a signal or a `stop` command."""
    listener = _open_listener(options)
    folder = Path(tempfile.mkdtemp(prefix="mlcraft-serving-"))
    share_values(folder)
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        asyncio.run(_Supervisor(options, listener, folder).run())
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Worker:
    number: int
    process: Any
    connection: Any
    model: Path
    ready: asyncio.Future[str]
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)


class _Supervisor:
    def __init__(self, options: Options, listener: socket.socket, folder: Path):
        self._options, self._listener, self._folder = options, listener, folder
        self._model = options.model
        self._previous: tuple[Path, str] | None = None
        self._candidate: tuple[Path, str] | None = None
        self._content = ""
        self._workers: dict[int, _Worker] = {}
        self._ids = count(1)
        self._ending = False
        self._end_event = asyncio.Event()
        self._restarts: set[asyncio.Task[None]] = set()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(PRELOADED_MODULES))

    async def run(self) -> None:
        """Start the workers, serve, and drain them at the end."""
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._end)
        async with contextlib.AsyncExitStack() as stack:
            for number in range(self._options.workers):
                self._start_worker(number)
            await self._wait_until_ready()
            if not self._ending and self._options.state is not None:
                await stack.enter_async_context(serve_control_socket(self._options.state, self._handle_command))
            if not self._ending:
                host, port = self._listener.getsockname()[:2]
                log.info("serving", extra={"fields": {"url": f"http://{host}:{port}", "content": self._content}})
                if host not in _LOOPBACK_HOSTS and not os.environ.get(KEY_VARIABLE):
                    log.warning("other machines may ask this server without a key; %s sets one", KEY_VARIABLE)
            await self._end_event.wait()
            await self._drain()

    async def _wait_until_ready(self) -> None:
        ready = [worker.ready for worker in self._workers.values()]
        ended = asyncio.ensure_future(self._end_event.wait())
        try:
            gathered = asyncio.gather(*ready)
            await asyncio.wait((gathered, ended), timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if gathered.done():
                self._content = gathered.result()[0]
            elif not self._ending:
                raise ServingError(f"the model was not loaded within {_START_SECONDS:g} s")
        except BaseException:
            await self._drain()
            raise
        finally:
            ended.cancel()

    def _start_worker(self, number: int) -> None:
        supervisor_end, worker_end = self._context.Pipe()
        config = WorkerConfig(number, self._model, self._folder, self._listener, worker_end)
        process = self._context.Process(target=run_worker, args=(self._options, config), name=f"worker-{number}")
        process.start()
        worker_end.close()
        loop = asyncio.get_running_loop()
        worker = _Worker(number, process, supervisor_end, self._model, loop.create_future())
        self._workers[number] = worker
        loop.add_reader(supervisor_end.fileno(), self._read_message, worker)

    def _read_message(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._handle_worker_exit(worker)
            return
        if message.get("event") == "ready":
            worker.ready.set_result(message["content"])
            if self._content and message["content"] != self._content:
                worker.process.terminate()  # it was started before a swap; it is restarted with the new model
        elif message.get("event") == "broken":
            worker.ready.set_exception(ServingError(message["error"]))
        elif (future := worker.waiting.pop(message["id"], None)) is not None and not future.done():
            if "error" in message:
                future.set_exception(ServingError(message["error"]))
            else:
                future.set_result(message["found"])

    def _handle_worker_exit(self, worker: _Worker) -> None:
        """Clean up after a worker that has ended, and restart it unless the server ends or has never been ready."""
        asyncio.get_running_loop().remove_reader(worker.connection.fileno())
        worker.connection.close()
        worker.process.join()
        remove_live_gauges(self._folder, worker.process.pid)
        exit_error = ServingError(f"worker {worker.number} ended with {worker.process.exitcode}")
        for future in [worker.ready, *worker.waiting.values()]:
            if not future.done():
                future.set_exception(exit_error)
        worker.ready.exception()  # marks it as retrieved, or asyncio logs it
        if self._workers.get(worker.number) is worker:
            del self._workers[worker.number]
        if self._ending or not self._content:
            return
        log.error("worker ended", extra={"fields": {"worker": worker.number, "exit": worker.process.exitcode}})
        task = asyncio.get_running_loop().create_task(self._restart_worker(worker.number))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart_worker(self, number: int) -> None:
        await asyncio.sleep(_RESTART_DELAY)
        if not self._ending:
            self._start_worker(number)

    async def _handle_command(self, command: dict[str, Any]) -> Any:
        """Run a command from the control socket."""
        commands: dict[Any, Callable[[], Awaitable[Any]]] = {
            "status": self._status,
            "self_test": self._self_test,
            "stop": self._stop,
            "prepare": lambda: self._prepare(Path(command["model"])),
            "try": lambda: self._try(command["content"], command["records"]),
            "commit": lambda: self._commit(command["content"]),
            "revert": self._revert,
            "confirm": self._confirm,
        }
        if command.get("do") not in commands:
            raise ServingError(f"there is no order {command.get('do')!r}")
        return await commands[command["do"]]()

    async def _stop(self) -> None:
        asyncio.get_running_loop().call_soon(self._end)

    async def _try(self, content: str, records: list[Any]) -> list[Any]:
        return await self._broadcast({"do": "try", "content": content, "records": records}, _COMMAND_SECONDS)

    async def _confirm(self) -> None:
        self._previous = None
        await self._broadcast({"do": "confirm"}, _COMMAND_SECONDS)

    async def _status(self) -> dict[str, Any]:
        workers = await self._broadcast({"do": "status"}, _COMMAND_SECONDS)
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
        contents = set(await self._broadcast({"do": "prepare", "model": str(model)}, _LOAD_SECONDS))
        if len(contents) != 1:
            raise ServingError(f"{model} was changed while it was loaded")
        content = str(contents.pop())
        self._candidate = (model, content)
        return content

    async def _commit(self, content: str) -> None:
        if self._candidate is None or self._candidate[1] != content:
            raise ServingError(f"no model with the content {content} was prepared")
        try:
            await self._broadcast({"do": "commit", "content": content}, _COMMAND_SECONDS)
        except ServingError:
            # A worker has died: the others revert, so that all serve the same model.
            with contextlib.suppress(ServingError):
                await self._broadcast({"do": "revert"}, _COMMAND_SECONDS)
            raise
        self._previous = (self._model, self._content)
        (self._model, self._content), self._candidate = self._candidate, None
        log.info("model swapped", extra={"fields": {"content": content}})

    async def _revert(self) -> None:
        if self._previous is None:
            raise ServingError("there is no model to go back to")
        await self._broadcast({"do": "revert"}, _COMMAND_SECONDS)
        (self._model, self._content), self._previous = self._previous, None
        log.info("model reverted", extra={"fields": {"content": self._content}})

    async def _broadcast(self, command: dict[str, Any], seconds: float) -> list[Any]:
        """Send a command to all workers and return their results; raises the error of a worker that fails."""
        futures = []
        for worker in self._workers.values():
            number = next(self._ids)
            future = worker.waiting[number] = asyncio.get_running_loop().create_future()
            try:
                worker.connection.send({**command, "id": number})
            except OSError:
                future.set_exception(ServingError(f"worker {worker.number} is gone"))
            futures.append(future)
        if not futures:
            raise ServingError("there is no worker now; try again")
        try:
            results = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), seconds)
        except asyncio.TimeoutError:
            raise ServingError(f"the workers did not {command['do']} within {seconds:g} s") from None
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return list(results)

    def _end(self) -> None:
        self._ending = True
        self._end_event.set()

    async def _drain(self) -> None:
        """Let the workers finish their requests, and kill them after the grace period."""
        self._ending = True
        log.info("ending")
        self._listener.close()
        processes = [worker.process for worker in self._workers.values()]
        with contextlib.suppress(MlcraftError):
            await self._broadcast({"do": "drain"}, _COMMAND_SECONDS)
        deadline = asyncio.get_running_loop().time() + self._options.grace + 5
        while any(process.is_alive() for process in processes):
            if asyncio.get_running_loop().time() > deadline:
                for process in processes:
                    process.kill()
            await asyncio.sleep(0.02)


def _open_listener(options: Options) -> socket.socket:
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
