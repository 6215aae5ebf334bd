"""Delivery of the lines of a spool to the tracking store, and finding or creating the run of a key.

A line that is delivered twice, after a crash or an answer that was lost, is there once.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import registry, tags
from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.api import (
    Api,
    BusyError,
    Dataset,
    Metric,
    RefusedError,
    Run,
    UnreachableError,
    quote_value,
)
from airflow_mlcraft.tracking.spool.spool import Delivery, Record, Spool

_METRICS, _OTHERS = 1000, 100
_A_DAY = 86400
_LONGEST_PAUSE = 30.0
_TRIES = 10
"""Failures of a file, within some minutes, after which it is set aside."""

log = logging.getLogger(__name__)


class MissingModelError(BusyError):
    """The model that is to be registered is not in the store: whoever has made it may not have sent it yet."""


class Deliverer:
    """Brings what is in a spool to a store."""

    def __init__(self, spool: Spool, api: Api):
        self._spool = spool
        self._api = api
        self._later: dict[str, tuple[float, float]] = {}

    def all(self, go_on: Callable[[], bool] = lambda: True) -> bool:
        """Deliver every file; whether something was delivered. Raises UnreachableError."""
        moved = False
        for stem in self._spool.waiting():
            if not go_on():
                break
            due, pause = self._later.get(stem, (0.0, 0.5))
            if time.monotonic() < due:
                continue
            try:
                moved = self.one(stem) or moved
                if self._later.pop(stem, None):
                    self._spool.forget_failures(stem)
            except UnreachableError:
                raise
            # One file that cannot be delivered, for whatever reason, must not keep the others.
            except Exception as error:
                log.warning("%s has to wait: %s", stem, error, exc_info=not isinstance(error, MlcraftError))
                self._later[stem] = (time.monotonic() + pause, min(pause * 2, _LONGEST_PAUSE))
                self._count_failure(stem, error)
        return moved

    def _count_failure(self, stem: str, error: Exception) -> None:
        """Set a file aside whose delivery fails again and again by what is in it, not by its surroundings."""
        if isinstance(error, (BusyError, OSError)) or not self._spool.writer_is_gone(stem):
            return
        tries = self._spool.note_failure(stem)
        if tries >= _TRIES:
            reason = f"{type(error).__name__}: {error}"
            kept = self._spool.set_aside(stem, reason)
            self._later.pop(stem, None)
            log.error("%s is set aside after %d tries: %s", kept, tries, reason)

    def one(self, stem: str) -> bool:
        """Deliver what there is of a file; whether there was something."""
        with self._spool.delivery(stem) as delivery:
            if delivery is None:
                return False
            ahead, gone = delivery.ahead()
            first = delivery.first()
            if first is None:
                if gone:
                    delivery.finish()
                return False
            if ahead:
                self._deliver(stem, delivery, first, ahead)
            if gone:
                if not delivery.ended():
                    self._left_behind(first)
                delivery.finish()
            return bool(ahead) or gone

    def _deliver(self, stem: str, delivery: Delivery, first: Record, ahead: list[tuple[Record, int]]) -> None:
        run = self._run(first)
        batch = Batch()
        for record, place in ahead:
            if record["op"] == "batch" and batch.add(record):
                continue
            self._send(run, batch)
            batch = Batch()
            if record["op"] == "batch":
                batch.add(record, full=True)
                continue
            try:
                self._handle(stem, run, record)
            except MissingModelError:
                if first.get("postponed"):
                    raise
                self._postpone(first, record)
            # A record that lacks something, or has it in another form, is refused alone.
            except (RefusedError, FileNotFoundError, KeyError, TypeError, ValueError, AttributeError) as error:
                self._refused(record, error)
            delivery.done_to(place)
        self._send(run, batch)
        delivery.done_to(ahead[-1][1])

    def _postpone(self, first: Record, record: Record) -> None:
        """Give a record a file of its own, which waits without keeping what else is to be said of the run."""
        writer = self._spool.writer(first["key"])
        for line in ({**first, "postponed": True}, record, {"op": "pause"}):
            writer.write(line)
        writer.close()

    def _run(self, first: Record) -> Run:
        """The run that a file is about; it is looked for again where the store has lost it."""
        known = self._spool.run_of(first["key"])
        if known:
            try:
                return self._api.get_run(known["id"])
            except RefusedError as error:
                if not error.missing:
                    raise
                self._spool.note_run(first["key"], None)
        experiment = self._api.experiment(first["experiment"])
        more = {}
        if first.get("parent"):
            more[tags.PARENT] = first.get("parent_id") or self._run(first["parent"]).id
        run = find_or_create_run(
            self._api,
            experiment,
            first["key"],
            name=first["name"],
            start=first["start"],
            tags={**first["tags"], **more},
        )
        self._spool.note_run(
            first["key"], {"id": run.id, "experiment_id": run.experiment_id, "artifact_uri": run.artifact_uri}
        )
        return run

    def _handle(self, stem: str, run: Run, record: Record) -> None:
        match record["op"]:
            case "run":
                self._begin(run, record)
            case "input":
                self._api.log_inputs(run.id, [Dataset(**record["dataset"])])
            case "artifact":
                self._upload(run.artifact_uri, self._spool.files(stem) / record["file"], record["place"])
            case "model":
                self._model(run, self._spool.files(stem) / record["file"], record)
            case "register":
                self._register(run, record)
            case "end":
                self._api.update_run(run.id, record["status"], record["time"])
            case "pause":
                pass
            case other:
                raise RefusedError(f"nobody knows what {other!r} is")

    def _begin(self, run: Run, record: Record) -> None:
        """Go on with a run that is there already, unless what began later has been delivered before."""
        try_number, before = _try_of(record["tags"]), _try_of(run.tags)
        if try_number < before:
            return
        if record["tags"].items() - run.tags.items():
            self._api.log_batch(run.id, [], {}, record["tags"])
        if run.status != "RUNNING" and (try_number > before or record["start"] > run.end):
            self._api.update_run(run.id, "RUNNING", None)

    def _left_behind(self, first: Record) -> None:
        """The writer has died. Its run is ended, unless a later try has gone on with it."""
        run = self._run(first)
        if run.status == "RUNNING" and _try_of(run.tags) <= _try_of(first["tags"]):
            self._api.update_run(run.id, "KILLED", int(time.time() * 1000))

    def _send(self, run: Run, batch: Batch) -> None:
        if not batch.records:
            return
        try:
            self._api.log_batch(run.id, batch.metrics, batch.params, batch.tags)
        except RefusedError as error:
            if len(batch.records) == 1 and batch.single:
                self._refused(batch.records[0], error)
                return
            for record in _apart(batch.records):
                single = Batch()
                single.add(record, full=True)
                self._send(run, single)

    def _upload(self, artifact_uri: str, source: Path, place: str) -> None:
        if not source.is_dir():
            self._api.upload(artifact_uri, source, place)
            return
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            inside = file.relative_to(source).as_posix()
            self._api.upload(artifact_uri, file, f"{place}/{inside}" if place else inside)

    def _model(self, run: Run, folder: Path, record: Record) -> None:
        """A model of the run. A try that makes the same model again finds it there."""
        found = self._api.find_models(run.experiment_id, record["content"])
        same = [model for model in found if model.run_id == run.id and model.name == record["name"]]
        carried = {**record["tags"], tags.CONTENT: record["content"]}
        model = same[0] if same else self._api.create_model(run, record["name"], carried)
        if model.ready:
            return
        whose = f"run_id: {run.id}\nmodel_id: {model.id}\n"
        described = folder / "MLmodel"
        if whose not in (text := described.read_text()):
            described.unlink()
            described.write_text(text + whose)
        self._upload(model.artifact_uri, folder, "")
        self._api.finish_model(run, model)

    def _register(self, run: Run, record: Record) -> None:
        """A version of the model with a content, made in this DAG run if it was, and otherwise lately."""
        found = [model for model in self._api.find_models(run.experiment_id, record["content"]) if model.ready]
        if not found:
            said = f"no run has a model with the content {record['content']}, to be a version of {record['model']!r}"
            raise (MissingModelError if time.time() - record["time"] < _A_DAY else RefusedError)(said)
        near = [model for model in found if model.tags.get(tags.RUN) == run.tags.get(tags.RUN)]
        # The first of them was trained; others have been compared with it, and have copied it.
        version = registry.register(self._api, record["model"], near or found[-1:], record["tags"])
        if record["champion"] and record.get("only_first") and (today := registry.champion(self._api, record["model"])):
            log.warning(
                "version %s of %s stays the champion: version %s was not compared with it, because the store did not "
                "answer then", today.version, record["model"], version.version,
            )  # fmt: skip
        elif record["champion"]:
            registry.promote(self._api, record["model"], version.version, at=record["time"])

    def _refused(self, record: Record, error: Exception) -> None:
        log.warning("refused: %s: %s", json.dumps(record)[:500], error)
        self._spool.refuse(record, str(error))


class Batch:
    """Metrics, params and tags, as many as MLflow takes at once."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.records: list[Record] = []

    @property
    def single(self) -> bool:
        """Whether it is about one name."""
        return len(self.params) + len(self.tags) + len({metric[0] for metric in self.metrics}) <= 1

    def add(self, record: Record, *, full: bool = False) -> bool:
        """Take a record, unless it is too much; with `full`, in any case."""
        metrics: list[Metric] = [tuple(metric) for metric in record.get("metrics", [])]
        params, others = record.get("params", {}), record.get("tags", {})
        if not full and (
            len(self.metrics) + len(metrics) > _METRICS - 2 * _OTHERS
            or len(self.params.keys() | params) > _OTHERS
            or len(self.tags.keys() | others) > _OTHERS
        ):
            return False
        self.metrics += metrics
        self.params |= params
        self.tags |= others
        self.records.append(record)
        return True


def _apart(records: list[Record]) -> list[Record]:
    """One record for each name: one that is refused must not take others with it."""
    found: list[dict[str, Any]] = []
    for record in records:
        for kind in ("params", "tags"):
            found += [{"op": "batch", kind: {name: value}} for name, value in record.get(kind, {}).items()]
        by_name: dict[str, list[Any]] = {}
        for metric in record.get("metrics", []):
            by_name.setdefault(metric[0], []).append(metric)
        found += [{"op": "batch", "metrics": some} for some in by_name.values()]
    return found


def _try_of(found: Any) -> int:
    return int(found.get(tags.TRY) or 0)


_PATIENCE = 3.0
_PAUSE = 0.05


def find_or_create_run(
    api: Api, experiment_id: str, key: str, *, name: str, start: int, tags: Mapping[str, str]
) -> Run:
    """The run of a key."""

    def create() -> Run:
        return api.create_run(experiment_id, name, start, {**tags, names.KEY: key})

    mine = None if find_runs(api, experiment_id, key) else create()
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = find_runs(api, experiment_id, key)
        settled = [run for run in found if names.SETTLED in run.tags]
        winner = settled[0] if settled else min(found, key=lambda run: run.id, default=mine)
        if winner is None:
            mine = create()
            continue
        if mine and mine.id != winner.id:
            api.delete_run(mine.id)
            mine = None
        if settled:
            return winner
        if (mine and len(found) <= 1) or time.monotonic() > deadline:
            api.log_batch(winner.id, [], {}, {names.SETTLED: "true"})
            return winner
        time.sleep(_PAUSE)


def find_runs(api: Api, experiment_id: str, key: str) -> list[Run]:
    """The runs that have a key: one, but for the moment in which several are made."""
    return api.search_runs(experiment_id, f"tags.`{names.KEY}` = {quote_value(key)}")
