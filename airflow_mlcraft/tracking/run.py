"""A run as a task sees it: what is said of it goes into the spool. Nothing here can fail the task, or make it wait."""

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

_BATCH = 500
_SECONDS = 1.0
_PARAM, _TAG = 6000, 8000
_EACH = 100

log = logging.getLogger(__name__)
P = ParamSpec("P")


def _never_raises(
    method: Callable[Concatenate[TrackedRun, P], None],
) -> Callable[Concatenate[TrackedRun, P], None]:
    """A method of a run whose failure is a warning in the log: no task fails because of what it tracks."""
    name = method.__name__

    @functools.wraps(method)
    def guarded(self: TrackedRun, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self.ended:
            self._warn_of_end(name)
            return
        with _warned(f"{name} of the run is not tracked"):
            method(self, *args, **kwargs)

    return guarded


class TrackedRun:
    """One try at a run."""

    def __init__(self, writer: Writer | None, header: Mapping[str, Any]):
        self._writer = writer
        self._tags: Mapping[str, str] = header["tags"]
        self._metrics: list[tuple[str, float, int, int]] = []
        self._written = time.monotonic()
        self._lock = threading.Lock()
        self._models: dict[str, str] = {}
        self._late: set[str] = set()
        self.key: str = header["key"]
        self.ended = False
        self._write({"op": "run", **header})

    @_never_raises
    def params(self, values: Mapping[str, Any]) -> None:
        """What the run was given; a name has one value for good."""
        for some in _portions(values):
            self._write(
                {"op": "batch", "params": {sanitize_name(name): _text(value)[:_PARAM] for name, value in some.items()}}
            )

    @_never_raises
    def tags(self, values: Mapping[str, Any]) -> None:
        """What the run is found by."""
        for some in _portions(values):
            self._write(
                {"op": "batch", "tags": {sanitize_name(name): _text(value)[:_TAG] for name, value in some.items()}}
            )

    @_never_raises
    def metric(self, name: str, value: float, step: int = 0) -> None:
        """A measured value."""
        self.metrics({name: value}, step)

    @_never_raises
    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Measured values; they are kept together for a second and sent in batches."""
        now = int(time.time() * 1000)
        with self._lock:
            self._metrics += [
                (sanitize_name(name), number, now, step)
                for name, value in values.items()
                if (number := _number(name, value)) is not None
            ]
            full = len(self._metrics) >= _BATCH or time.monotonic() - self._written > _SECONDS
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
        """A data set that the run reads: a DVC object, by its md5, and where the project has it."""
        source = {"md5": md5, "path": path, "url": url, "rev": rev}
        facts = {**({} if size is None else {"size": size}), **(profile or {})}
        dataset = {
            "name": name[:500],
            "digest": md5[:36],
            "source_type": "dvc",
            "source": json.dumps({key: value for key, value in source.items() if value}),
            "profile": json.dumps(facts, default=str) if facts else "",
            "context": context,
        }
        self._write({"op": "input", "dataset": dataset})

    @_never_raises
    def artifact(self, path: str | os.PathLike[str], folder: str = "", *, hand_over: bool = False) -> None:
        """A file or folder of the run; a copy of it, unless it is handed over and will not change any more."""
        source = Path(path)
        place = f"{folder.strip('/')}/{source.name}".strip("/")

        def record(writer: Writer) -> dict[str, Any]:
            return {"op": "artifact", "file": writer.take(source, hand_over=hand_over), "place": place}

        self._write_with_files(record)

    @_never_raises
    def text(self, text: str, path: str) -> None:
        """A small file of the run."""
        self._write_with_files(
            lambda writer: {"op": "artifact", "file": writer.put(text, Path(path).name), "place": path.strip("/")}
        )

    def model(
        self,
        folder: str | os.PathLike[str],
        name: str = "model",
        *,
        content: str = "",
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """A folder with an MLmodel file, as a model of the run; its content, by which it can be registered.

        `content` is a hash that says which model it is; without it, the hash of all files.
        """
        with _warned(f"{folder} is not tracked as the model {name!r}"):
            content = content or sha256_of_folder(Path(folder))
            self._model(Path(folder), name, content, tags or {})
        return content

    @_never_raises
    def _model(self, source: Path, name: str, content: str, tags: Mapping[str, Any]) -> None:
        carried = {key: self._tags[key] for key in (names.DAG, names.RUN, names.TASK) if key in self._tags}
        carried |= {key: _text(value) for key, value in tags.items()}

        def record(writer: Writer) -> dict[str, Any]:
            kept = writer.take(source, hand_over=False)
            return {"op": "model", "file": kept, "name": name, "content": content, "tags": carried}

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
        """A version of a registered model: of the model with a content, whichever run has made it.

        Without `content` it is the model that this run has made by that name. `champion` moves the aliases; with
        `only_first`, only where there is no champion when the store hears of it.
        """
        content = content or self._models.get(name, "")
        if not content:
            log.warning("the run has no model %r that could be registered as %r", name, model)
            return
        carried = {
            key: value
            for key, value in self._tags.items()
            if key in (names.DAG, names.RUN, names.DOCUMENT, names.DOCUMENT_HASH, names.PLAN, names.GIT_COMMIT)
        }
        carried[names.CONTENT] = content
        carried |= {key: _text(value) for key, value in (tags or {}).items()}
        self._write(
            {
                "op": "register",
                "model": model,
                "content": content,
                "champion": champion,
                **({"only_first": True} if only_first else {}),
                "tags": carried,
                "time": time.time(),
            }
        )

    @contextlib.contextmanager
    def system_metrics(self, seconds: float = 10, *, after: float = 0) -> Iterator[None]:
        """What the machine does while this is open, as metrics; until `after` so many seconds only what was used."""
        from airflow_mlcraft.tracking.resource_usage import sample_usage

        with sample_usage(self.metrics, seconds, after=after):
            yield

    def end(self, status: str = "FINISHED") -> None:
        """End the run; the first word counts."""
        if self.ended:
            return
        self._write({"op": "end", "status": status, "time": int(time.time() * 1000)})
        self.pause()

    def pause(self) -> None:
        """Say nothing more of the run from here; it goes on elsewhere."""
        self.ended = True
        self._write({"op": "pause"})
        if self._writer is not None:
            with _warned("what was tracked may not outlast a loss of power"):
                self._writer.close()

    def _write_metrics(self) -> None:
        with self._lock:
            metrics, self._metrics = self._metrics, []
            self._written = time.monotonic()
        if metrics:
            self._put({"op": "batch", "metrics": metrics})

    def _write(self, record: Mapping[str, Any]) -> None:
        self._write_metrics()
        self._put(record)

    def _write_with_files(self, record: Callable[[Writer], dict[str, Any]]) -> None:
        if self._writer is not None:
            self._write(record(self._writer))

    def _put(self, record: Mapping[str, Any]) -> None:
        if self._writer is not None:
            with _warned("what was to be tracked is lost"), self._lock:
                self._writer.write(dict(record))

    def _warn_of_end(self, name: str) -> None:
        """Warn once for each method: a loop that goes on after the end would fill the log."""
        if name not in self._late:
            self._late.add(name)
            log.warning("%s is not tracked: the run %s has ended before", name, self.key)


@contextlib.contextmanager
def _warned(what: str) -> Iterator[None]:
    """Any failure as a warning: neither a full disk nor a value without a text is a reason for a step to fail."""
    try:
        yield
    except Exception as error:
        log.warning("%s: %s", what, str(error) or type(error).__name__)


def _number(name: str, value: Any) -> float | None:
    try:
        return float(value)
    except Exception:
        log.warning("the metric %r is %r, which is no number, and is not tracked", name, value)
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _portions(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    items = list(values.items())
    for begin in range(0, len(items), _EACH):
        yield dict(items[begin : begin + _EACH])
