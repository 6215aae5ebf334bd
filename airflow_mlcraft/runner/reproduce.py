"""The repetition of an earlier DAG run with the data in the store, and the comparison of its outputs and metrics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.runner.gather_inputs import ORDER, REPLAY, STORE
from airflow_mlcraft.store.task_folders import remove_path

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.runner.events import LogSink, OnEvent, RunResult


@dataclass(frozen=True)
class Comparison:
    """One output or metric of a step in the earlier run (`then`) and in its repetition (`now`)."""

    step: str
    kind: str
    """`output` or `metric`."""
    name: str
    then: Any
    now: Any

    @property
    def same(self) -> bool:
        """Whether both values are equal, to the last bit."""
        return bool(self.then == self.now) or (self.then != self.then and self.now != self.now)


@dataclass(frozen=True)
class Reproduction:
    """The comparison of an earlier run with its repetition."""

    run_id: str
    dag_id: str
    dag_run_id: str
    compared: tuple[Comparison, ...]
    replayed: tuple[str, ...]
    """The steps whose outputs were taken from the earlier run."""

    @property
    def same(self) -> bool:
        """Whether all outputs and metrics are equal."""
        return all(comparison.same for comparison in self.compared)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON."""
        compared = [{**asdict(comparison), "same": comparison.same} for comparison in self.compared]
        return {**asdict(self), "compared": compared, "same": self.same}


@dataclass(frozen=True)
class PastRunInputs:
    """An earlier run, with all that is needed to repeat it."""

    plan: Plan
    folder: Path
    order: Mapping[str, Any]

    def rerun(
        self,
        *,
        on_dag: Callable[[Any], None] | None = None,
        on_event: OnEvent | None = None,
        log: LogSink | None = None,
    ) -> Reproduction:
        """Repeat the run. Nothing is reused, served, made champion or tracked."""
        from airflow_mlcraft.operators.reuse import REPLAY_VARIABLE
        from airflow_mlcraft.runner.run_document import RunOptions, run_plan

        os.environ.update({"AIRFLOW__MLCRAFT__REUSE": "False", REPLAY_VARIABLE: str(self.folder / REPLAY)})
        past, settings = self.order["past"], self.order["settings"]
        comparisons: list[Comparison] = []
        options = RunOptions(
            outdir=self.folder / "out",
            containers=settings["containers"],
            engine=settings["container_engine"],
            pull=settings["container_pull"].lower() in ("true", "t", "yes", "1", "on"),
            network=settings["container_network"],
            store=self.folder / STORE,
        )

        def compare(result: RunResult) -> None:
            comparisons.extend(_compare(self.order, result, self.folder / STORE))

        run_plan(self.plan, past["inputs"], options, on_dag=on_dag, on_event=on_event, log=log, on_result=compare)
        return Reproduction(
            past["run_id"], past["dag_id"], past["dag_run_id"], tuple(comparisons), tuple(self.order["replayed"])
        )


@contextmanager
def open_past_run(run: str, dag_run_id: str = "", document: str = "") -> Iterator[PastRunInputs]:
    """Gather an earlier run by its MLflow run id, or by DAG id and DAG run id; its data is removed at the end."""
    from airflow_mlcraft.runner.run_document import load_cached_plan

    with tempfile.TemporaryDirectory(prefix="mlcraft-again-") as name:
        folder = Path(name)
        order = _gather_inputs(folder, [run, *([dag_run_id] if dag_run_id else [])], document)
        try:
            yield PastRunInputs(load_cached_plan(order["plan"], order["base"], order["cache"]), folder, order)
        finally:
            # The folders of the store are read-only, so that the temporary folder cannot be removed with them.
            remove_path(folder / STORE)


def _gather_inputs(folder: Path, run: list[str], document: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "airflow_mlcraft.runner.gather_inputs", str(folder), *run]
    process = subprocess.run(  # noqa: S603
        [*command, *(["--document", document] if document else [])], capture_output=True, text=True, check=False
    )
    if not (folder / ORDER).is_file():
        raise MlcraftError(f"what MLflow and the store have of the run cannot be read:\n{process.stderr[-2000:]}")
    order: dict[str, Any] = json.loads((folder / ORDER).read_bytes())
    if "error" in order:
        raise MlcraftError(order["error"])
    return order


def _compare(order: Mapping[str, Any], result: RunResult, folder: Path) -> Iterator[Comparison]:
    from airflow_mlcraft.operators.reuse import task_instance_key
    from airflow_mlcraft.operators.run_report import load_record, objects_by_output
    from airflow_mlcraft.operators.xcom_overflow import from_xcom
    from airflow_mlcraft.store.store import Store

    store = Store(folder)
    for step in order["past"]["steps"]:
        if task_instance_key(step["task_id"], step["map_index"]) in order["replayed"]:
            continue
        outputs = from_xcom(result.xcom(step["task_id"], step["map_index"]))
        if not isinstance(outputs, dict):
            outputs = {}
        then = {
            port: "\n".join(comparison["md5"] for comparison in data_files)
            for port, data_files in step["outputs"].items()
        }
        now = {port: "\n".join(oid for _, oid in data_files) for port, data_files in objects_by_output(outputs).items()}
        yield from _compare_values(step["name"], "output", then, now)
        metrics = {name: value for name, value in step["metrics"].items() if not name.startswith("system/")}
        yield from _compare_values(step["name"], "metric", metrics, _final_metrics(load_record(outputs, store)))


def _compare_values(step: str, kind: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Comparison]:
    for name in sorted({**then, **now}):
        yield Comparison(step, kind, name, then.get(name), now.get(name))


def _final_metrics(record: Mapping[str, Any]) -> dict[str, float]:
    """The final metrics as in MLflow: of a series, the last value."""
    from airflow_mlcraft.tracking.names import sanitize_name

    last = {name: points[-1][1] for name, points in record.get("series", {}).items() if points}
    return {sanitize_name(name): float(value) for name, value in {**record.get("metrics", {}), **last}.items()}
