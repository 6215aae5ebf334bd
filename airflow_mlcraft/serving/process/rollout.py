"""Roll-out of a model to a server on this machine: smoke tests before it gets traffic, roll-back when they fail."""

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
from airflow_mlcraft.serving.model.folder import compute_model_hash, read_model_folder
from airflow_mlcraft.serving.model.reference import ReferenceModel
from airflow_mlcraft.serving.options import KEY_VARIABLE, SELF_TEST_HEADER
from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.serving.process.control_socket import send_command
from airflow_mlcraft.serving.process.local_server import ServerProcess

STATE = "deployment.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_ANSWER_SECONDS = 5.0
_TOLERANCE = 1e-9
_VERSION_LENGTH = 12
Report = Callable[[str], None]
"""Shows the user a line about the progress."""


@dataclass(frozen=True)
class Deployment:
    """A served model: name, address, the model's hash, the hash of the model before, and the smoke tests."""

    name: str
    url: str
    content: str
    replaced: str | None
    smoke: list[dict[str, Any]]


@dataclass(frozen=True)
class _Target:
    """The server that a roll-out goes to, and the options of the roll-out."""

    name: str
    folder: Path
    host: str
    port: int | None
    options: tuple[str, ...]
    max_seconds: float
    report: Report

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
    max_seconds: float = _MAX_ANSWER_SECONDS,
    report: Report = lambda _: None,
) -> Deployment:
    """Serve the model under this name; on failure, keep serving the previous model and raise a ServingError.

    The smoke tests predict `rows`, or else the model's input example; a prediction that takes longer than `max_seconds`
    fails. A model that is served already is not rolled out again.
    """
    if not _NAME.fullmatch(name):
        raise ServingError(f"{name!r} cannot be the name of a deployment; expected letters, digits, '-', '_' and '.'")
    target = _Target(name, (state / name).absolute(), host, port, tuple(options), max_seconds, report)
    target.folder.mkdir(parents=True, exist_ok=True)
    target.folder.chmod(0o700)
    with _lock_deployment(target):
        previous = _load_deployment(target)
        process = _find_reachable_server(target)
        if process is not None and port is not None and process.port != port:
            raise ServingError(
                f"{name!r} is served at {process.url}, not at port {port}; stop it first, or name no port"
            )
        content = read_model_folder(model).content
        if process is not None and previous is not None and _is_served(target, process, content):
            report(f"{name}: this model is served already, at {process.url}")
            return previous
        try:
            _copy_model(target, model, content)
            smoke_tests = ReferenceModel.load(target.model(content)).predict_rows(rows)
            process = (
                _start_tested(target, content, smoke_tests)
                if process is None
                else _swap_model(target, process, content, smoke_tests)
            )
        except (MlcraftError, OSError) as error:
            outcome = _restore_previous(target, previous)
            _remove_old_models(target, previous)
            raise ServingError(
                f"{name}: the model {content[:_VERSION_LENGTH]} was not taken ({error}); {outcome}"
            ) from error
        deployment = Deployment(name, process.url, content, _get_replaced(previous, content), smoke_tests)
        _write_deployment(target, deployment)
        _remove_old_models(target, deployment)
        report(f"{name}: the model {content[:_VERSION_LENGTH]} is served at {process.url}")
        return deployment


def _find_reachable_server(target: _Target) -> ServerProcess | None:
    """Find the server if it responds; one that does not respond is stopped."""
    process = local_server.find_running(target.folder)
    if process is None:
        return None
    try:
        send_command(target.folder, {"do": "status"})
    except ServingError as error:
        target.report(f"{target.name}: {error}; it is started again")
        with contextlib.suppress(ServingError):  # It may have ended by itself.
            local_server.stop(target.folder)
        return None
    return process


def _swap_model(
    target: _Target, process: ServerProcess, content: str, smoke_tests: list[dict[str, Any]]
) -> ServerProcess:
    """Test the model beside the served one, swap, and test again over HTTP; a failure reverts the swap."""
    try:
        send_command(target.folder, {"do": "prepare", "model": str(target.model(content))})
        _test_candidate(target, content, smoke_tests)
    except ServingError:
        with contextlib.suppress(ServingError):
            send_command(target.folder, {"do": "confirm"})
        raise
    send_command(target.folder, {"do": "commit", "content": content})
    try:
        _test_over_http(target, process, smoke_tests)
    except ServingError:
        send_command(target.folder, {"do": "revert"})
        raise
    send_command(target.folder, {"do": "confirm"})
    return process


def _start_tested(target: _Target, content: str, smoke_tests: list[dict[str, Any]]) -> ServerProcess:
    """Start a server and test it over HTTP."""
    process = _start_server(target, content)
    try:
        _test_over_http(target, process, smoke_tests)
    except ServingError:
        local_server.stop(target.folder)
        raise
    return process


def _restore_previous(target: _Target, previous: Deployment | None) -> str:
    """Serve the previous model after a failed roll-out, and describe what is served for the error message."""
    if previous is None:
        return (
            "nothing is served"
            if local_server.find_running(target.folder) is None
            else "what was served before still is"
        )
    version = previous.content[:_VERSION_LENGTH]
    if (process := local_server.find_running(target.folder)) is not None:
        return f"the model {version} is served on, at {process.url}"
    try:
        return f"the model {version} is served again, at {_start_server(target, previous.content).url}"
    except ServingError as error:
        return f"the model {version} cannot be served either ({error})"


def _start_server(target: _Target, content: str) -> ServerProcess:
    return local_server.start(
        target.folder,
        target.model(content),
        name=target.name,
        host=target.host,
        port=target.port,
        options=("--log-predictions", str(target.folder / "predictions"), *target.options),
    )


def _test_candidate(target: _Target, content: str, smoke_tests: list[dict[str, Any]]) -> None:
    """Test the candidate in every worker, while clients still get the served model."""
    for smoke_test in smoke_tests:
        started = time.monotonic()
        predictions_of_workers = send_command(
            target.folder, {"do": "try", "content": content, "records": [smoke_test["row"]]}
        )
        _check_time(target, time.monotonic() - started)
        for predictions in predictions_of_workers:
            _compare(smoke_test, predictions[0])


def _test_over_http(target: _Target, process: ServerProcess, smoke_tests: list[dict[str, Any]]) -> None:
    """Test the served model as a client, with a header that keeps the requests out of counts and logs."""
    headers: dict[str, str] = {}
    with contextlib.suppress(ServingError):  # A server of an earlier version has no such header.
        headers = {SELF_TEST_HEADER: send_command(target.folder, {"do": "self_test"})}
    for smoke_test in smoke_tests:
        started = time.monotonic()
        response = _send_request(process, "/predict", {"records": [smoke_test["row"]]}, target.max_seconds, headers)
        _check_time(target, time.monotonic() - started)
        _compare(smoke_test, response["predictions"][0])


def _check_time(target: _Target, seconds: float) -> None:
    if seconds > target.max_seconds:
        raise ServingError(f"an answer took {seconds:.1f} s, and {target.max_seconds:g} s are allowed")


def _compare(smoke_test: dict[str, Any], prediction: Any) -> None:
    if not _is_close(smoke_test["prediction"], prediction):
        raise ServingError(
            f"to {json.dumps(smoke_test['row'])} the server says {prediction!r}, "
            f"and the model itself {smoke_test['prediction']!r}"
        )


def _is_close(expected: Any, actual: Any) -> bool:
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(_is_close, expected, actual))
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        return math.isclose(expected, actual, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(expected == actual)


def _send_request(
    process: ServerProcess,
    path: str,
    body: Any = None,
    seconds: float = 10.0,
    extra_headers: Mapping[str, str] | None = None,
) -> Any:
    """Send a request as a client would, and return the JSON of the response; raises ServingError for other statuses."""
    headers = {"Content-Type": "application/json", **(extra_headers or {})}
    if key := os.environ.get(KEY_VARIABLE):
        headers["X-API-Key"] = key
    connection = http.client.HTTPConnection(process.host, process.port, timeout=seconds)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        response_body = json.loads(response.read())
    except TimeoutError:
        raise ServingError(f"{process.url}{path} did not answer within {seconds:g} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServingError(f"{process.url}{path} does not answer: {error}") from None
    finally:
        connection.close()
    if response.status >= 400:  # noqa: PLR2004
        raise ServingError(
            f"{process.url}{path} answers {response.status}: {response_body.get('error', response_body)}"
        )
    return response_body


def _is_served(target: _Target, process: ServerProcess, content: str) -> bool:
    try:
        return bool(
            send_command(target.folder, {"do": "status"})["content"] == content
            and _send_request(process, "/health/ready")["ready"]
        )
    except ServingError:
        return False


@contextlib.contextmanager
def _lock_deployment(target: _Target) -> Iterator[None]:
    """Allow one roll-out per name at a time."""
    with locked_if_free(target.folder / "lock") as lock:
        if lock is None:
            raise BusyError(f"another roll-out of {target.name!r} is under way; try again when it has ended")
        yield


class BusyError(ServingError):
    """Another roll-out holds the lock; a retry may succeed."""

    temporary = True


def _copy_model(target: _Target, model: Path, content: str) -> None:
    """Copy the model to the deployment's folder, since its own folder may be deleted with the task that made it."""
    copy = target.model(content)
    if copy.is_dir() and compute_model_hash(copy) == content:
        return
    shutil.rmtree(copy, ignore_errors=True)
    part = copy.with_name(f".{content}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        shutil.copytree(model, part)
    except shutil.Error as error:
        # The error lists all files; the first one says why.
        raise ServingError(f"its files cannot be copied: {error.args[0][0][2]}") from error
    part.replace(copy)


def _remove_old_models(target: _Target, served: Deployment | None) -> None:
    """Delete all models but the served one and the one before."""
    kept_contents = (served.content, served.replaced) if served is not None else ()
    for folder in (target.folder / "models").iterdir():
        if folder.name not in kept_contents:
            shutil.rmtree(folder, ignore_errors=True)


def _get_replaced(previous: Deployment | None, content: str) -> str | None:
    if previous is None:
        return None
    return previous.content if previous.content != content else previous.replaced


def _load_deployment(target: _Target) -> Deployment | None:
    try:
        return Deployment(**json.loads((target.folder / STATE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ServingError(f"{target.folder / STATE} cannot be read: {error}; remove it to start anew") from None


def _write_deployment(target: _Target, deployment: Deployment) -> None:
    write_atomically(target.folder / STATE, (json.dumps(asdict(deployment), indent=2) + "\n").encode())
