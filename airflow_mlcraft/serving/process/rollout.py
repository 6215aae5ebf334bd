"""A model is rolled out to a server on this machine: tried before it gets traffic, and taken back when it fails."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.common.locks import locked_if_free
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.folder import content_of, open_model
from airflow_mlcraft.serving.model.reference import Reference
from airflow_mlcraft.serving.options import KEY_VARIABLE, SELF_TEST_HEADER
from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.serving.process.control_socket import tell
from airflow_mlcraft.serving.process.local_server import Process

STATE = "deployment.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SLOW = 5.0
_TOLERANCE = 1e-9
_SHORT = 12
Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """What is served under a name. `replaced` is the content that was served before."""

    name: str
    url: str
    content: str
    replaced: str | None
    smoke: list[dict[str, Any]]


@dataclass(frozen=True)
class _Target:
    """Where a roll-out goes, and how."""

    name: str
    folder: Path
    host: str
    port: int | None
    options: tuple[str, ...]
    slow: float
    say: Say

    def model(self, content: str) -> Path:
        return self.folder / "models" / content


def roll_out(
    model: Path,
    name: str,
    state: Path,
    *,
    rows: Sequence[dict[str, Any]] | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    options: Sequence[str] = (),
    slow: float = _SLOW,
    say: Say = lambda _: None,
) -> Deployment:
    """Serve the model under this name. When that fails, what was served before is served on; a ServingError says so.

    `rows` are tried, or else the model's input example; an answer that takes longer than `slow` seconds is a failure.
    The same model is not rolled out twice.
    """
    if not _NAME.fullmatch(name):
        raise ServingError(f"{name!r} cannot be the name of a deployment; expected letters, digits, '-', '_' and '.'")
    target = _Target(name, (state / name).absolute(), host, port, tuple(options), slow, say)
    target.folder.mkdir(parents=True, exist_ok=True)
    target.folder.chmod(0o700)
    with _alone(target):
        before = _remembered(target)
        process = _reachable(target)
        if process is not None and port is not None and process.port != port:
            raise ServingError(
                f"{name!r} is served at {process.url}, not at port {port}; stop it first, or name no port"
            )
        content = open_model(model).content
        if process is not None and before is not None and _serves(target, process, content):
            say(f"{name}: this model is served already, at {process.url}")
            return before
        try:
            _keep(target, model, content)
            questions = Reference.of(target.model(content)).questions(rows)
            process = (
                _start(target, content, questions) if process is None else _swap(target, process, content, questions)
            )
        except (MlcraftError, OSError) as error:
            stays = _as_before(target, before)
            _forget_models(target, before)
            raise ServingError(f"{name}: the model {content[:_SHORT]} was not taken ({error}); {stays}") from error
        made = Deployment(name, process.url, content, _replaced(before, content), questions)
        _remember(target, made)
        _forget_models(target, made)
        say(f"{name}: the model {content[:_SHORT]} is served at {process.url}")
        return made


def _reachable(target: _Target) -> Process | None:
    """The server that runs. One that does not answer is ended: it serves nobody."""
    process = local_server.running(target.folder)
    if process is None:
        return None
    try:
        tell(target.folder, {"do": "status"})
    except ServingError as error:
        target.say(f"{target.name}: {error}; it is started again")
        with contextlib.suppress(ServingError):  # It may have ended meanwhile.
            local_server.stop(target.folder)
        return None
    return process


def _swap(target: _Target, process: Process, content: str, questions: list[dict[str, Any]]) -> Process:
    """Beside the running model first, then in its place."""
    try:
        tell(target.folder, {"do": "prepare", "model": str(target.model(content))})
        _try_beside(target, content, questions)
    except ServingError:
        with contextlib.suppress(ServingError):
            tell(target.folder, {"do": "confirm"})
        raise
    tell(target.folder, {"do": "commit", "content": content})
    try:
        _try_over_http(target, process, questions)
    except ServingError:
        tell(target.folder, {"do": "revert"})
        raise
    tell(target.folder, {"do": "confirm"})
    return process


def _start(target: _Target, content: str, questions: list[dict[str, Any]]) -> Process:
    """A server where none runs."""
    process = _serve(target, content)
    try:
        _try_over_http(target, process, questions)
    except ServingError:
        local_server.stop(target.folder)
        raise
    return process


def _as_before(target: _Target, before: Deployment | None) -> str:
    """What is served when a roll-out has failed: the model before, by a server that is started if none runs."""
    if before is None:
        return "nothing is served" if local_server.running(target.folder) is None else "what was served before still is"
    version = before.content[:_SHORT]
    if (process := local_server.running(target.folder)) is not None:
        return f"the model {version} is served on, at {process.url}"
    try:
        return f"the model {version} is served again, at {_serve(target, before.content).url}"
    except ServingError as error:
        return f"the model {version} cannot be served either ({error})"


def _serve(target: _Target, content: str) -> Process:
    return local_server.start(
        target.folder,
        target.model(content),
        name=target.name,
        host=target.host,
        port=target.port,
        options=("--log-predictions", str(target.folder / "predictions"), *target.options),
    )


def _try_beside(target: _Target, content: str, questions: list[dict[str, Any]]) -> None:
    """Every worker answers every question as it would those of clients, while clients still get the old model."""
    for question in questions:
        begun = time.monotonic()
        answers = tell(target.folder, {"do": "try", "content": content, "records": [question["row"]]})
        _check_time(target, time.monotonic() - begun)
        for answer in answers:
            _compare(question, answer[0])


def _try_over_http(target: _Target, process: Process, questions: list[dict[str, Any]]) -> None:
    """As a client would ask, but for a header by which the server counts none of it as a prediction."""
    own: dict[str, str] = {}
    with contextlib.suppress(ServingError):  # A server of an earlier version has no such header.
        own = {SELF_TEST_HEADER: tell(target.folder, {"do": "self_test"})}
    for question in questions:
        begun = time.monotonic()
        answer = _ask(process, "/predict", {"records": [question["row"]]}, target.slow, own)
        _check_time(target, time.monotonic() - begun)
        _compare(question, answer["predictions"][0])


def _check_time(target: _Target, seconds: float) -> None:
    if seconds > target.slow:
        raise ServingError(f"an answer took {seconds:.1f} s, and {target.slow:g} s are allowed")


def _compare(question: dict[str, Any], answer: Any) -> None:
    if not _close(question["prediction"], answer):
        raise ServingError(
            f"to {json.dumps(question['row'])} the server says {answer!r}, "
            f"and the model itself {question['prediction']!r}"
        )


def _close(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(_close, wanted, found))
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        return math.isclose(wanted, found, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(wanted == found)


def _ask(
    process: Process, path: str, body: Any = None, seconds: float = 10.0, more: Mapping[str, str] | None = None
) -> Any:
    """One request to the server, as a client would send it."""
    headers = {"Content-Type": "application/json", **(more or {})}
    if key := os.environ.get(KEY_VARIABLE):
        headers["X-API-Key"] = key
    connection = http.client.HTTPConnection(process.host, process.port, timeout=seconds)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except TimeoutError:
        raise ServingError(f"{process.url}{path} did not answer within {seconds:g} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServingError(f"{process.url}{path} does not answer: {error}") from None
    finally:
        connection.close()
    if response.status >= 400:  # noqa: PLR2004
        raise ServingError(f"{process.url}{path} answers {response.status}: {answer.get('error', answer)}")
    return answer


def _serves(target: _Target, process: Process, content: str) -> bool:
    try:
        return bool(
            tell(target.folder, {"do": "status"})["content"] == content and _ask(process, "/health/ready")["ready"]
        )
    except ServingError:
        return False


@contextlib.contextmanager
def _alone(target: _Target) -> Iterator[None]:
    """One roll-out a name at a time."""
    with locked_if_free(target.folder / "lock") as lock:
        if lock is None:
            raise BusyError(f"another roll-out of {target.name!r} is under way; try again when it has ended")
        yield


class BusyError(ServingError):
    """Somebody else is at it; later it may work."""

    temporary = True


def _keep(target: _Target, model: Path, content: str) -> None:
    """A copy of its own: the model's folder may go with the task that made it."""
    kept = target.model(content)
    if kept.is_dir() and content_of(kept) == content:
        return
    shutil.rmtree(kept, ignore_errors=True)
    part = kept.with_name(f".{content}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        shutil.copytree(model, part)
    except shutil.Error as error:
        # One of its files is enough to see why.
        raise ServingError(f"its files cannot be copied: {error.args[0][0][2]}") from error
    part.replace(kept)


def _forget_models(target: _Target, served: Deployment | None) -> None:
    """Keep what is served, and what was before it."""
    kept = (served.content, served.replaced) if served is not None else ()
    for folder in (target.folder / "models").iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _replaced(before: Deployment | None, content: str) -> str | None:
    if before is None:
        return None
    return before.content if before.content != content else before.replaced


def _remembered(target: _Target) -> Deployment | None:
    try:
        return Deployment(**json.loads((target.folder / STATE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ServingError(f"{target.folder / STATE} cannot be read: {error}; remove it to start anew") from None


def _remember(target: _Target, made: Deployment) -> None:
    write_atomically(target.folder / STATE, (json.dumps(asdict(made), indent=2) + "\n").encode())
