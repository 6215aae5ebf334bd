"""A run that a task writes to: its records go into the spool. No method can fail the task, or make it wait."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from airflow_mlcraft.common.hashing import sha256_of_folder
from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.names import sanitize_name
from airflow_mlcraft.tracking.spool.spool import Writer

_MAX_METRICS = 500
_MAX_DELAY = 1.0
_MAX_PARAM_LENGTH, _MAX_TAG_LENGTH = 6000, 8000
_MAX_NAMES = 100

log = logging.getLogger(__name__)
P = ParamSpec("P")


def _never_raises(
    method: Callable[Concatenate[TrackedRun, P], None],
) -> Callable[Concatenate[TrackedRun, P], None]:
    """Decorate a method so that its failure is a warning in the log: tracking never fails a task."""
    name = method.__name__

    @functools.wraps(method)
    def wrapper(self: TrackedRun, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self.ended:
            self._warn_of_end(name)
            return
        with _warn_on_error(f"{name} of the run is not tracked"):
            method(self, *args, **kwargs)

    return wrapper


class TrackedRun:
    """The run of one try of a task."""

    def __init__(self, writer: Writer | None, header: Mapping[str, Any]):
        self._writer = writer
        self._tags: Mapping[str, str] = header["tags"]
        self._metrics: list[tuple[str, float, int, int]] = []
        self._written = time.monotonic()
        self._lock = threading.Lock()
        self._models: dict[str, str] = {}
        self._warned_methods: set[str] = set()
        self.key: str = header["key"]
        self.ended = False
        self._write({"op": "run", **header})

    @_never_raises
    def params(self, values: Mapping[str, Any]) -> None:
        """Log params; the value of a param cannot be changed later."""
        for portion in _split_batches(values):
            self._write(
                {
                    "op": "batch",
                    "params": {
                        sanitize_name(name): _to_text(value)[:_MAX_PARAM_LENGTH] for name, value in portion.items()
                    },
                }
            )

    @_never_raises
    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags."""
        for portion in _split_batches(values):
            self._write(
                {
                    "op": "batch",
                    "tags": {sanitize_name(name): _to_text(value)[:_MAX_TAG_LENGTH] for name, value in portion.items()},
                }
            )

    @_never_raises
    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Log a metric."""
        self.metrics({name: value}, step)

    @_never_raises
    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics; they are collected for a second and sent in batches."""
        now = int(time.time() * 1000)
        with self._lock:
            self._metrics += [
                (sanitize_name(name), number, now, step)
                for name, value in values.items()
                if (number := _to_float(name, value)) is not None
            ]
            full = len(self._metrics) >= _MAX_METRICS or time.monotonic() - self._written > _MAX_DELAY
        if full:
            self._write_metrics()

    @_never_raises
    def dataset(
        self,
        name: str,
        *,
        md5: str,
        path: str = "",
        size: int | None = None,
        url: str = "",
        rev: str = "",
        context: str = "",
        profile: Mapping[str, Any] | None = None,
    ) -> None:
        """Log a dataset input: a DVC object by its md5, and its path in the project."""
        source = {"md5": md5, "path": path, "url": url, "rev": rev}
        profile_fields = {**({} if size is None else {"size": size}), **(profile or {})}
        dataset = {
            "name": name[:500],
            "digest": md5[:36],
            "source_type": "dvc",
            "source": json.dumps({key: value for key, value in source.items() if value}),
            "profile": json.dumps(profile_fields, default=str) if profile_fields else "",
            "context": context,
        }
        self._write({"op": "input", "dataset": dataset})

    @_never_raises
    def artifact(self, path: str | os.PathLike[str], folder: str = "", *, hand_over: bool = False) -> None:
        """Log a file or folder as an artifact. It is copied, or with `hand_over` linked: then it must not change."""
        source = Path(path)
        artifact_path = f"{folder.strip('/')}/{source.name}".strip("/")

        def record(writer: Writer) -> dict[str, Any]:
            return {"op": "artifact", "file": writer.add_file(source, hand_over=hand_over), "place": artifact_path}

        self._write_with_files(record)

    @_never_raises
    def text(self, text: str, path: str) -> None:
        """Log a text as an artifact."""
        self._write_with_files(
            lambda writer: {"op": "artifact", "file": writer.add_text(text, Path(path).name), "place": path.strip("/")}
        )

    def model(
        self,
        folder: str | os.PathLike[str],
        name: str = "model",
        *,
        content: str = "",
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Log a folder with an MLmodel file as a model of the run; return its content hash, by which it is registered.

        `content` is a hash that identifies the model; without it, the hash of all files is used.
        """
        with _warn_on_error(f"{folder} is not tracked as the model {name!r}"):
            content = content or sha256_of_folder(Path(folder))
            self._model(Path(folder), name, content, tags or {})
        return content

    @_never_raises
    def _model(self, source: Path, name: str, content: str, tags: Mapping[str, Any]) -> None:
        tags_to_send = {key: self._tags[key] for key in (names.DAG, names.RUN, names.TASK) if key in self._tags}
        tags_to_send |= {key: _to_text(value) for key, value in tags.items()}

        def record(writer: Writer) -> dict[str, Any]:
            file = writer.add_file(source, hand_over=False)
            return {"op": "model", "file": file, "name": name, "content": content, "tags": tags_to_send}

        self._write_with_files(record)
        self._models[name] = content

    @_never_raises
    def register(
        self,
        model: str,
        *,
        content: str = "",
        name: str = "model",
        champion: bool = False,
        only_first: bool = False,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Register a version of a model: of the logged model with a content hash, whichever run logged it.

        Without `content` it is the model that this run logged as `name`. `champion` moves the aliases; with
        `only_first`, only if there is no champion when the record is delivered.
        """
        content = content or self._models.get(name, "")
        if not content:
            log.warning("the run has no model %r that could be registered as %r", name, model)
            return
        tags_to_send = {
            key: value
            for key, value in self._tags.items()
            if key in (names.DAG, names.RUN, names.DOCUMENT, names.DOCUMENT_HASH, names.PLAN, names.GIT_COMMIT)
        }
        tags_to_send[names.CONTENT] = content
        tags_to_send |= {key: _to_text(value) for key, value in (tags or {}).items()}
        self._write(
            {
                "op": "register",
                "model": model,
                "content": content,
                "champion": champion,
                **({"only_first": True} if only_first else {}),
                "tags": tags_to_send,
                "time": time.time(),
            }
        )

    @contextlib.contextmanager
    def system_metrics(self, seconds: float = 10, *, after: float = 0) -> Iterator[None]:
        """Log system metrics during the block, once it has lasted `after` seconds; its own usage in any case."""
        from airflow_mlcraft.tracking.resource_usage import sample_usage

        with sample_usage(self.metrics, seconds, after=after):
            yield

    def end(self, status: str = "FINISHED") -> None:
        """End the run; only the first call has an effect."""
        if self.ended:
            return
        self._write({"op": "end", "status": status, "time": int(time.time() * 1000)})
        self.pause()

    def pause(self) -> None:
        """Close this writer without ending the run, which another process continues."""
        self.ended = True
        self._write({"op": "pause"})
        if self._writer is not None:
            with _warn_on_error("what was tracked may not outlast a loss of power"):
                self._writer.close()

    def _write_metrics(self) -> None:
        with self._lock:
            metrics, self._metrics = self._metrics, []
            self._written = time.monotonic()
        if metrics:
            self._append({"op": "batch", "metrics": metrics})

    def _write(self, record: Mapping[str, Any]) -> None:
        self._write_metrics()
        self._append(record)

    def _write_with_files(self, record: Callable[[Writer], dict[str, Any]]) -> None:
        if self._writer is not None:
            self._write(record(self._writer))

    def _append(self, record: Mapping[str, Any]) -> None:
        if self._writer is not None:
            with _warn_on_error("what was to be tracked is lost"), self._lock:
                self._writer.write(dict(record))

    def _warn_of_end(self, name: str) -> None:
        """Warn once for each method: a loop that logs after the end would fill the log."""
        if name not in self._warned_methods:
            self._warned_methods.add(name)
            log.warning("%s is not tracked: the run %s has ended before", name, self.key)


@contextlib.contextmanager
def _warn_on_error(what: str) -> Iterator[None]:
    """Log any exception as a warning: neither a full disk nor a value without a text may fail a step."""
    try:
        yield
    except Exception as error:
        log.warning("%s: %s", what, str(error) or type(error).__name__)


def _to_float(name: str, value: Any) -> float | None:
    try:
        return float(value)
    except Exception:
        log.warning("the metric %r is %r, which is no number, and is not tracked", name, value)
        return None


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _split_batches(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    items = list(values.items())
    for begin in range(0, len(items), _MAX_NAMES):
        yield dict(items[begin : begin + _MAX_NAMES])
