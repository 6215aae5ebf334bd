"""Internals of cwltool: the methods of a job that are replaced, and the state that it keeps in its modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from subprocess import Popen
from typing import Any, TypeAlias, cast

from cwltool import process as process_module
from cwltool.context import RuntimeContext
from cwltool.job import JobBase
from cwltool.load_tool import jobloader_id_name, jobloaderctx
from cwltool.pathmapper import PathMapper
from cwltool.process import SCHEMA_CACHE, Process, get_schema
from cwltool.utils import processes_to_kill
from rdflib import Graph
from schema_salad.ref_resolver import Loader

_CWL = "https://w3id.org/cwl/cwl#"
_ANY = "https://w3id.org/cwl/salad#Any"
JOB_ID_FIELD = jobloader_id_name
"""The field that cwltool reads the id of a job file from."""

Execute: TypeAlias = Callable[[list[str], MutableMapping[str, str], RuntimeContext, Any], None]
"""Runs a program: the words before its command line, its environment, cwltool's context, a monitor of the process."""
CollectOutputs: TypeAlias = Callable[[str, int], Any]
"""Takes the output folder and the exit code; returns the outputs."""


def init_job(process: Process, job: dict[str, Any], context: RuntimeContext) -> dict[str, Any]:
    """The inputs of a process after cwltool's checks, with secondaryFiles, listings and contents filled in."""
    return cast("dict[str, Any]", process._init_job(cast(Any, job), context).job)


def wrap_execution(
    job: JobBase, execute: Callable[[Execute, list[str], MutableMapping[str, str], RuntimeContext, Any], None]
) -> None:
    """Run the program of a job by `execute`, which takes cwltool's own function before that function's arguments.

    In cwltool compiled by mypyc the method cannot be replaced: then cwltool's own runs.
    """
    own: Execute = job._execute

    def run(
        runtime: list[str],
        env: MutableMapping[str, str],
        runtimeContext: RuntimeContext,  # noqa: N803 - as cwltool calls it
        monitor_function: Any = None,
    ) -> None:
        execute(own, runtime, env, runtimeContext, monitor_function)

    with suppress(AttributeError):
        job._execute = run  # type: ignore[method-assign]


def finish_job(job: JobBase, exit_code: int, context: RuntimeContext) -> None:
    """Collect the outputs of a job that ran without its program, and report them to the process of the job."""
    status = "success"
    if exit_code in job.temporaryFailCodes:
        status = "temporaryFail"
    elif exit_code != 0 and exit_code not in job.successCodes:
        status = "permanentFail"
    outputs = job.collect_outputs(job.outdir, exit_code)
    if job.output_callback is not None and context.workflow_eval_lock is not None:
        with context.workflow_eval_lock:
            job.output_callback(outputs, status)


def wrap_output_collection(job: JobBase, collect: Callable[[CollectOutputs, str, int], Any]) -> None:
    """Collect the outputs of a job by `collect`, which takes cwltool's own function, the folder and the exit code."""
    own: CollectOutputs = job.collect_outputs

    def run(outdir: str, exit_code: int) -> Any:
        return collect(own, outdir, exit_code)

    job.collect_outputs = run


def replace_container_monitor(job: JobBase, wait: Callable[[str, str, bool, str, Popen[str]], None]) -> None:
    """Wait for the container of a job by `wait`, if the job runs in one.

    `wait` takes the file with the container's id, the prefix of temporary folders, whether to remove the file, the
    engine's command, and the engine's process. In cwltool compiled by mypyc its own method stays.
    """
    if hasattr(job, "docker_monitor"):
        with suppress(AttributeError):
            job.docker_monitor = wait


def check_path_mappers(job: JobBase, check: Callable[[PathMapper], None]) -> None:
    """Call `check` with the path mappers of a job: now those that it has, and each that it makes when it starts."""
    make: Callable[..., PathMapper] = job.make_path_mapper

    def make_checked(*args: Any) -> PathMapper:
        mapper = make(*args)
        check(mapper)
        return mapper

    for mapper in (getattr(job, "pathmapper", None), job.builder.pathmapper):
        if mapper is not None:
            check(mapper)
    job.make_path_mapper = make_checked


def pop_running_processes() -> Iterator[Popen[str]]:
    """The processes that cwltool has started here; each is taken from cwltool's list."""
    while processes_to_kill:
        yield processes_to_kill.popleft()


def load_schema(version: str) -> None:
    """Read the schema of a version of CWL, which cwltool caches for this process."""
    get_schema(version)


def set_base_types() -> None:
    """Give cwltool the types Any, File and Directory of CWL v1.0, which its first `Process` in a process looks up.

    It would read the whole schema of the language for them, which takes half a second.
    """
    types: Any = process_module
    if types.SCHEMA_ANY is None:
        types.SCHEMA_ANY, types.SCHEMA_FILE, types.SCHEMA_DIR = build_base_types()


def build_base_types() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The types Any, File and Directory as CWL's schema has them, without its descriptions."""
    listed = {"type": "array", "items": [f"{_CWL}File", f"{_CWL}Directory"]}
    any_ = {"name": _ANY, "type": "enum", "symbols": [_ANY]}
    file = _record(
        "File",
        location=("string", {"_id": "@id", "_type": "@id"}),
        path=("string", {"_id": f"{_CWL}path", "_type": "@id"}),
        basename=("string", "cwl:basename"),
        dirname=("string", None),
        nameroot=("string", None),
        nameext=("string", None),
        checksum=("string", None),
        size=("long", None),
        secondaryFiles=(listed, "cwl:secondaryFiles"),
        format=("string", {"_id": f"{_CWL}format", "_type": "@id", "identity": True}),
        contents=("string", None),
    )
    folder = _record(
        "Directory",
        location=("string", {"_id": "@id", "_type": "@id"}),
        path=("string", {"_id": f"{_CWL}path", "_type": "@id"}),
        basename=("string", "cwl:basename"),
        listing=(listed, {"_id": f"{_CWL}listing"}),
    )
    return any_, file, folder


def _record(name: str, **fields: tuple[Any, Any]) -> dict[str, Any]:
    """A record type with a class, and optional fields of a type and a predicate of JSON-LD each."""
    address = f"{_CWL}{name}"
    of_class = {"type": "enum", "name": f"{address}/class/{name}_class", "symbols": [address]}
    listed: list[dict[str, Any]] = [
        {"name": f"{address}/class", "type": of_class, "jsonldPredicate": {"_id": "@type", "_type": "@vocab"}}
    ]
    for field, (kind, predicate) in fields.items():
        described = {"name": f"{address}/{field}", "type": ["null", kind]}
        listed.append(described | ({"jsonldPredicate": predicate} if predicate else {}))
    return {"name": address, "type": "record", "fields": listed}


def clear_ontologies() -> None:
    """Clear the `$schemas` that cwltool collects for all documents of this process: none may get another's."""
    for schema_loader, *_ in SCHEMA_CACHE.values():
        schema_loader.graph = Graph()
        for uri in [uri for uri, kept in schema_loader.cache.items() if isinstance(kept, Graph)]:
            del schema_loader.cache[uri]


def create_job_loader() -> Loader:
    """A loader of job files, which resolves the locations in them."""
    return Loader(jobloaderctx)
