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

_MAX_METRICS, _MAX_PARAMS_OR_TAGS = 1000, 100
_A_DAY = 86400
_MAX_PAUSE = 30.0
_MAX_TRIES = 10
"""Failures of a file, within some minutes, after which it is set aside."""

log = logging.getLogger(__name__)


class MissingModelError(BusyError):
    """The model to register is not in the store; the task that logged it may not have sent it yet."""


class Deliverer:
    """Delivers the files of a spool to a store."""

    def __init__(self, spool: Spool, api: Api):
        self._spool = spool
        self._api = api
        self._backoff: dict[str, tuple[float, float]] = {}

    def deliver_all(self, should_continue: Callable[[], bool] = lambda: True) -> bool:
        """Deliver every file; return whether something was delivered. Raises UnreachableError."""
        delivered = False
        for stem in self._spool.list_pending():
            if not should_continue():
                break
            due, pause = self._backoff.get(stem, (0.0, 0.5))
            if time.monotonic() < due:
                continue
            try:
                delivered = self.deliver_file(stem) or delivered
                if self._backoff.pop(stem, None):
                    self._spool.reset_failures(stem)
            except UnreachableError:
                raise
            # A file that cannot be delivered, for whatever reason, must not block the others.
            except Exception as error:
                log.warning("%s has to wait: %s", stem, error, exc_info=not isinstance(error, MlcraftError))
                self._backoff[stem] = (time.monotonic() + pause, min(pause * 2, _MAX_PAUSE))
                self._count_failure(stem, error)
        return delivered

    def _count_failure(self, stem: str, error: Exception) -> None:
        """Set aside a file after repeated failures that its content causes, not the store or the disk."""
        if isinstance(error, (BusyError, OSError)) or not self._spool.writer_is_gone(stem):
            return
        tries = self._spool.count_failure(stem)
        if tries >= _MAX_TRIES:
            reason = f"{type(error).__name__}: {error}"
            path = self._spool.set_aside(stem, reason)
            self._backoff.pop(stem, None)
            log.error("%s is set aside after %d tries: %s", path, tries, reason)

    def deliver_file(self, stem: str) -> bool:
        """Deliver the undelivered records of a file; return whether there were any, or the file was finished."""
        with self._spool.delivery(stem) as delivery:
            if delivery is None:
                return False
            records, writer_gone = delivery.read_undelivered()
            header = delivery.read_header()
            if header is None:
                if writer_gone:
                    delivery.remove_files()
                return False
            if records:
                self._deliver(stem, delivery, header, records)
            if writer_gone:
                if not delivery.has_end():
                    self._end_abandoned_run(header)
                delivery.remove_files()
            return bool(records) or writer_gone

    def _deliver(self, stem: str, delivery: Delivery, header: Record, records: list[tuple[Record, int]]) -> None:
        run = self._find_or_create_run(header)
        batch = Batch()
        for record, position in records:
            if record["op"] == "batch" and batch.add(record):
                continue
            self._send(run, batch)
            batch = Batch()
            if record["op"] == "batch":
                batch.add(record, force=True)
                continue
            try:
                self._handle(stem, run, record)
            except MissingModelError:
                if header.get("postponed"):
                    raise
                self._postpone(header, record)
            # A malformed record is refused alone.
            except (RefusedError, FileNotFoundError, KeyError, TypeError, ValueError, AttributeError) as error:
                self._record_refusal(record, error)
            delivery.save_position(position)
        self._send(run, batch)
        delivery.save_position(records[-1][1])

    def _postpone(self, header: Record, record: Record) -> None:
        """Move a record into a separate file, which is retried without blocking the other records of the run."""
        writer = self._spool.writer(header["key"])
        for line in ({**header, "postponed": True}, record, {"op": "pause"}):
            writer.write(line)
        writer.close()

    def _find_or_create_run(self, header: Record) -> Run:
        """Return the run of a file's header; it is searched and created again if the store has lost it."""
        saved = self._spool.find_run(header["key"])
        if saved:
            try:
                return self._api.get_run(saved["id"])
            except RefusedError as error:
                if not error.missing:
                    raise
                self._spool.save_run(header["key"], None)
        experiment = self._api.get_or_create_experiment(header["experiment"])
        parent_tag = {}
        if header.get("parent"):
            parent_tag[tags.PARENT] = header.get("parent_id") or self._find_or_create_run(header["parent"]).id
        run = find_or_create_run(
            self._api,
            experiment,
            header["key"],
            name=header["name"],
            start=header["start"],
            tags={**header["tags"], **parent_tag},
        )
        self._spool.save_run(
            header["key"], {"id": run.id, "experiment_id": run.experiment_id, "artifact_uri": run.artifact_uri}
        )
        return run

    def _handle(self, stem: str, run: Run, record: Record) -> None:
        match record["op"]:
            case "run":
                self._resume_run(run, record)
            case "input":
                self._api.log_inputs(run.id, [Dataset(**record["dataset"])])
            case "artifact":
                self._upload(run.artifact_uri, self._spool.files_path(stem) / record["file"], record["place"])
            case "model":
                self._upload_model(run, self._spool.files_path(stem) / record["file"], record)
            case "register":
                self._register(run, record)
            case "end":
                self._api.update_run(run.id, record["status"], record["time"])
            case "pause":
                pass
            case other:
                raise RefusedError(f"nobody knows what {other!r} is")

    def _resume_run(self, run: Run, record: Record) -> None:
        """Set an existing run to running again, unless a later try was already delivered."""
        try_number, delivered_try = _try_of(record["tags"]), _try_of(run.tags)
        if try_number < delivered_try:
            return
        if record["tags"].items() - run.tags.items():
            self._api.log_batch(run.id, [], {}, record["tags"])
        if run.status != "RUNNING" and (try_number > delivered_try or record["start"] > run.end):
            self._api.update_run(run.id, "RUNNING", None)

    def _end_abandoned_run(self, header: Record) -> None:
        """End the run of a writer that died as KILLED, unless a later try continues it."""
        run = self._find_or_create_run(header)
        if run.status == "RUNNING" and _try_of(run.tags) <= _try_of(header["tags"]):
            self._api.update_run(run.id, "KILLED", int(time.time() * 1000))

    def _send(self, run: Run, batch: Batch) -> None:
        if not batch.records:
            return
        try:
            self._api.log_batch(run.id, batch.metrics, batch.params, batch.tags)
        except RefusedError as error:
            if len(batch.records) == 1 and batch.is_single:
                self._record_refusal(batch.records[0], error)
                return
            for record in _split_by_name(batch.records):
                single = Batch()
                single.add(record, force=True)
                self._send(run, single)

    def _upload(self, artifact_uri: str, source: Path, artifact_path: str) -> None:
        if not source.is_dir():
            self._api.upload(artifact_uri, source, artifact_path)
            return
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            relative_path = file.relative_to(source).as_posix()
            self._api.upload(artifact_uri, file, f"{artifact_path}/{relative_path}" if artifact_path else relative_path)

    def _upload_model(self, run: Run, folder: Path, record: Record) -> None:
        """Create a logged model of the run and upload it; an equal model of an earlier try is reused."""
        found = self._api.find_models(run.experiment_id, record["content"])
        existing = [model for model in found if model.run_id == run.id and model.name == record["name"]]
        model_tags = {**record["tags"], tags.CONTENT: record["content"]}
        model = existing[0] if existing else self._api.create_model(run, record["name"], model_tags)
        if model.ready:
            return
        id_lines = f"run_id: {run.id}\nmodel_id: {model.id}\n"
        mlmodel = folder / "MLmodel"
        if id_lines not in (text := mlmodel.read_text()):
            mlmodel.unlink()
            mlmodel.write_text(text + id_lines)
        self._upload(model.artifact_uri, folder, "")
        self._api.finalize_model(run, model)

    def _register(self, run: Run, record: Record) -> None:
        """Register the logged model with a content hash: of this DAG run if it logged one, otherwise the newest."""
        found = [model for model in self._api.find_models(run.experiment_id, record["content"]) if model.ready]
        if not found:
            message = f"no run has a model with the content {record['content']}, to be a version of {record['model']!r}"
            raise (MissingModelError if time.time() - record["time"] < _A_DAY else RefusedError)(message)
        of_this_dag_run = [model for model in found if model.tags.get(tags.RUN) == run.tags.get(tags.RUN)]
        # The first of them is the trained one; later tasks of the DAG run may have logged copies of it.
        version = registry.register_model(self._api, record["model"], of_this_dag_run or found[-1:], record["tags"])
        current = registry.get_champion(self._api, record["model"]) if record.get("only_first") else None
        if record["champion"] and current:
            log.warning(
                "version %s of %s stays the champion: version %s was not compared with it, because the store did not "
                "answer then", current.version, record["model"], version.version,
            )  # fmt: skip
        elif record["champion"]:
            registry.promote(self._api, record["model"], version.version, at=record["time"])

    def _record_refusal(self, record: Record, error: Exception) -> None:
        log.warning("refused: %s: %s", json.dumps(record)[:500], error)
        self._spool.record_refusal(record, str(error))


class Batch:
    """Metrics, params and tags for one request, within MLflow's limits."""

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.records: list[Record] = []

    @property
    def is_single(self) -> bool:
        """Whether the batch has only one name."""
        return len(self.params) + len(self.tags) + len({metric[0] for metric in self.metrics}) <= 1

    def add(self, record: Record, *, force: bool = False) -> bool:
        """Add a record and return True, or return False if the batch would exceed the limits; `force` ignores them."""
        metrics: list[Metric] = [tuple(metric) for metric in record.get("metrics", [])]
        params, others = record.get("params", {}), record.get("tags", {})
        if not force and (
            len(self.metrics) + len(metrics) > _MAX_METRICS - 2 * _MAX_PARAMS_OR_TAGS
            or len(self.params.keys() | params) > _MAX_PARAMS_OR_TAGS
            or len(self.tags.keys() | others) > _MAX_PARAMS_OR_TAGS
        ):
            return False
        self.metrics += metrics
        self.params |= params
        self.tags |= others
        self.records.append(record)
        return True


def _split_by_name(records: list[Record]) -> list[Record]:
    """Split records into one for each name, so that a refused name does not affect the others."""
    records_by_name: list[dict[str, Any]] = []
    for record in records:
        for kind in ("params", "tags"):
            records_by_name += [{"op": "batch", kind: {name: value}} for name, value in record.get(kind, {}).items()]
        by_name: dict[str, list[Any]] = {}
        for metric in record.get("metrics", []):
            by_name.setdefault(metric[0], []).append(metric)
        records_by_name += [{"op": "batch", "metrics": values} for values in by_name.values()]
    return records_by_name


def _try_of(run_tags: Any) -> int:
    return int(run_tags.get(tags.TRY) or 0)


_SETTLE_TIMEOUT = 3.0
_POLL_SECONDS = 0.05


def find_or_create_run(
    api: Api, experiment_id: str, key: str, *, name: str, start: int, tags: Mapping[str, str]
) -> Run:
    """Return the run with a key, or create it. If processes create it at the same time, one run is kept."""

    def create() -> Run:
        return api.create_run(experiment_id, name, start, {**tags, names.KEY: key})

    created = None if find_runs(api, experiment_id, key) else create()
    deadline = time.monotonic() + _SETTLE_TIMEOUT
    while True:
        found = find_runs(api, experiment_id, key)
        settled = [run for run in found if names.SETTLED in run.tags]
        winner = settled[0] if settled else min(found, key=lambda run: run.id, default=created)
        if winner is None:
            created = create()
            continue
        if created and created.id != winner.id:
            api.delete_run(created.id)
            created = None
        if settled:
            return winner
        if (created and len(found) <= 1) or time.monotonic() > deadline:
            api.log_batch(winner.id, [], {}, {names.SETTLED: "true"})
            return winner
        time.sleep(_POLL_SECONDS)


def find_runs(api: Api, experiment_id: str, key: str) -> list[Run]:
    """Return the runs with a key: one, unless several processes are creating it at this moment."""
    return api.search_runs(experiment_id, f"tags.`{names.KEY}` = {quote_value(key)}")
