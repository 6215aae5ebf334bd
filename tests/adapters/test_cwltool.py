"""Jobs of real tools, run by cwltool with methods that the adapter has replaced, and the state of its modules."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import CommandLineJob, ContainerCommandLineJob, JobBase
from cwltool.load_tool import load_tool
from cwltool.pathmapper import PathMapper
from cwltool.process import SCHEMA_CACHE, Process
from cwltool.utils import processes_to_kill
from cwltool.workflow import default_make_tool
from rdflib import RDFS, Graph, URIRef
from schema_salad.sourceline import cmap

from airflow_mlcraft.adapters.cwltool import (
    JOB_ID_FIELD,
    CollectOutputs,
    Execute,
    build_base_types,
    check_path_mappers,
    clear_ontologies,
    create_job_loader,
    finish_job,
    init_job,
    load_schema,
    pop_running_processes,
    replace_container_monitor,
    wrap_execution,
    wrap_output_collection,
)
from airflow_mlcraft.adapters.internals import CWLTOOL
from tests.adapters.attributes import assert_attribute

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
hints: {DockerRequirement: {dockerPull: "python:3-slim"}}
requirements:
  InlineJavascriptRequirement: {}
  ShellCommandRequirement: {}
  InitialWorkDirRequirement: {listing: [{entryname: staged.txt, entry: staged}]}
inputs:
  text: {type: string, default: usual}
outputs:
  said: stdout
stdout: said.txt
temporaryFailCodes: [3]
arguments: [sh, -c, {shellQuote: false, valueFrom: '"echo $(inputs.text) $COLOUR; exit $CODE"'}]
"""


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    logger = logging.getLogger("cwltool")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
def process(tmp_path: Path) -> Process:
    (tmp_path / "tool.cwl").write_text(TOOL)
    context = LoadingContext({"disable_js_validation": True, "construct_tool_object": default_make_tool})
    return load_tool(str(tmp_path / "tool.cwl"), context)


class ToolRun:
    """One job of a process, and what the process reports of it."""

    def __init__(self, process: Process, folder: Path, *, in_container: bool = False):
        (folder / "tmp").mkdir(exist_ok=True)
        self.context = RuntimeContext(
            {
                "basedir": str(folder),
                "outdir": str(folder / "out"),
                "tmpdir_prefix": f"{folder}/tmp/",
                "tmp_outdir_prefix": f"{folder}/tmp/",
                "use_container": in_container,
                "workflow_eval_lock": threading.Condition(threading.RLock()),
            }
        )
        self.reported: tuple[Any, str] | None = None
        job = next(iter(process.job({"text": "hello"}, self._receive, self.context)))
        assert isinstance(job, JobBase)
        self.job = job

    def _receive(self, outputs: Any, status: str) -> None:
        self.reported = outputs, status

    def run(self) -> tuple[Any, str]:
        self.job.run(self.context)
        assert self.reported is not None, "cwltool reports the outputs of a job in another way"
        return self.reported


@pytest.fixture
def run(process: Process, tmp_path: Path) -> ToolRun:
    return ToolRun(process, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "builder",
        "collect_outputs",
        "command_line",
        "environment",
        "make_path_mapper",
        "outdir",
        "output_callback",
        "pathmapper",
        "permanentFailCodes",
        "successCodes",
        "temporaryFailCodes",
        "timelimit",
    ],
)
def test_a_job_has_the_attribute(run: ToolRun, name: str) -> None:
    assert_attribute(CWLTOOL, run.job, name)


@pytest.mark.parametrize("name", ["pathmapper", "stagedir", "outdir", "tmpdir", "resources"])
def test_the_builder_of_a_job_has_the_attribute(run: ToolRun, name: str) -> None:
    assert_attribute(CWLTOOL, run.job.builder, name)


@pytest.mark.parametrize("name", ["formatgraph", "metadata", "tool", "requirements", "hints"])
def test_a_process_has_the_attribute(process: Process, name: str) -> None:
    assert_attribute(CWLTOOL, process, name)


def test_the_inputs_of_a_run_are_checked(process: Process, tmp_path: Path) -> None:
    context = RuntimeContext({"basedir": str(tmp_path)})
    assert init_job(process, {}, context)["text"] == "usual"
    with pytest.raises(WorkflowException, match="text"):
        init_job(process, {"text": 5}, context)


def test_an_execution_is_wrapped(run: ToolRun) -> None:
    def execute(
        own: Execute, runtime: list[str], env: MutableMapping[str, str], context: RuntimeContext, monitor: Any
    ) -> None:
        own(runtime, {**env, "COLOUR": "red", "CODE": "0"}, context, monitor)

    wrap_execution(run.job, execute)
    outputs, status = run.run()
    assert status == "success", "cwltool does not run its programs by JobBase._execute"
    assert Path(outputs["said"]["location"].removeprefix("file://")).read_text() == "hello red\n"


@pytest.mark.parametrize(("code", "expected"), [(0, "success"), (3, "temporaryFail"), (4, "permanentFail")])
def test_a_job_is_finished_without_its_program(run: ToolRun, code: int, expected: str) -> None:
    def execute(own: Execute, runtime: Any, env: Any, context: RuntimeContext, monitor: Any) -> None:
        (Path(run.job.outdir) / "said.txt").write_text("of a function")
        finish_job(run.job, code, context)

    wrap_execution(run.job, execute)
    outputs, status = run.run()
    assert status == expected
    assert outputs["said"]["size"] == len("of a function")


def test_the_collection_of_outputs_is_wrapped(run: ToolRun) -> None:
    codes = []

    def collect(own: CollectOutputs, outdir: str, exit_code: int) -> Any:
        codes.append(exit_code)
        return {**own(outdir, exit_code), "more": 1}

    run.job.environment["CODE"] = "3"
    wrap_output_collection(run.job, collect)
    outputs, status = run.run()
    assert codes == [3], "cwltool does not collect outputs by JobBase.collect_outputs"
    assert (outputs["more"], status) == (1, "temporaryFail")


def test_path_mappers_are_checked_now_and_when_the_job_starts(run: ToolRun) -> None:
    seen: list[list[str]] = []

    def check(mapper: PathMapper) -> None:
        seen.append([Path(entry.target).name for _, entry in mapper.items()])

    check_path_mappers(run.job, check)
    assert len(seen) == 2
    run.run()
    assert ["staged.txt"] in seen[2:], "cwltool does not map staged files by JobBase.make_path_mapper"


def test_the_monitor_of_a_container_is_replaced(process: Process, tmp_path: Path) -> None:
    def wait(*_: Any) -> None:
        pass

    in_container = ToolRun(process, tmp_path, in_container=True).job
    assert isinstance(in_container, ContainerCommandLineJob)
    replace_container_monitor(in_container, wait)
    assert in_container.docker_monitor is wait
    without = ToolRun(process, tmp_path).job
    assert isinstance(without, CommandLineJob)
    replace_container_monitor(without, wait)
    assert not hasattr(without, "docker_monitor")


def test_running_processes_are_taken_from_the_list(run: ToolRun) -> None:
    processes_to_kill.clear()
    wrap_execution(
        run.job, lambda own, runtime, env, context, monitor: own(runtime, {**env, "CODE": "0"}, context, None)
    )
    run.run()
    [process] = pop_running_processes()
    assert isinstance(process, subprocess.Popen)
    assert list(pop_running_processes()) == []


def test_a_schema_is_loaded_once() -> None:
    load_schema("v1.0")
    schema = SCHEMA_CACHE["v1.0"]
    load_schema("v1.0")
    assert SCHEMA_CACHE["v1.0"] is schema


def test_base_types_are_those_of_the_schema() -> None:
    load_schema("v1.0")
    types = SCHEMA_CACHE["v1.0"][3].idx
    names = ("salad#Any", "cwl#File", "cwl#Directory")
    assert list(build_base_types()) == [without_descriptions(types[f"https://w3id.org/cwl/{name}"]) for name in names]


def without_descriptions(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: part for name, part in value.items() if name not in ("doc", "docAfter", "docChild", "docParent")}
        return {name: without_descriptions(part) for name, part in kept.items()}
    return [without_descriptions(part) for part in value] if isinstance(value, list) else value


def test_a_tool_is_built_without_reading_the_schema() -> None:
    code = (
        "from airflow_mlcraft.cwl.tool import build_process\nfrom cwltool.process import SCHEMA_CACHE\n"
        "fields = {'class': 'CommandLineTool', 'id': 'x', 'baseCommand': 'true', 'inputs': [], 'outputs': []}\n"
        "build_process(fields)\nprint(len(SCHEMA_CACHE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_ontologies_of_other_documents_are_cleared() -> None:
    load_schema("v1.0")
    loader = SCHEMA_CACHE["v1.0"][0]
    loader.graph.add((URIRef("a"), RDFS.subClassOf, URIRef("b")))
    loader.cache["file:///ontology.owl"] = Graph()
    texts = sum(isinstance(kept, str) for kept in loader.cache.values())
    clear_ontologies()
    assert len(loader.graph) == 0
    assert "file:///ontology.owl" not in loader.cache
    assert sum(isinstance(kept, str) for kept in loader.cache.values()) == texts


def test_a_job_file_is_read() -> None:
    given: Any = {"id": "me", "file": {"class": "File", "location": "a.txt"}}
    job, _ = create_job_loader().resolve_all(cmap(given), "file:///folder/job.json", checklinks=False)
    assert isinstance(job, MutableMapping)
    assert job["file"]["location"] == "file:///folder/a.txt"
    assert JOB_ID_FIELD == "__id"
