"""The inputs of a run: from a job object, a form or command-line options, checked against the document."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.common.safe_names import check_names, without_dirnames
from airflow_mlcraft.cwl.plan import Json, Plan, Port, Workflow
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.cwl.tool_log import LogLine
from airflow_mlcraft.errors import InputError, UnsafeNameError

REQUIREMENTS = "cwl:requirements"
"""The field of a job object with requirements of its own; it may also be spelled as an IRI."""
_REQUIREMENTS_IRI = "https://w3id.org/cwl/cwl#requirements"


def get_job_requirements(job: Mapping[str, Json]) -> list[Json]:
    """The requirements in a job object."""
    return list(job.get(REQUIREMENTS) or job.get(_REQUIREMENTS_IRI) or [])


def build_job(plan: Plan, values: Mapping[str, Json], *, folder: Path) -> dict[str, Json]:
    """The values of the declared inputs: paths become File objects, and defaults are filled in.

    Relative paths start from `folder`. Raises `InputError` for missing inputs.
    """
    namespaces = plan.namespaces or {}
    job: dict[str, Json] = {}
    missing = []
    for port in plan.root.inputs:
        value = values.get(port.id)
        if value is None and port.has_default:
            value = port.default
        if value is None and not port.optional and "Any" not in _type_names(port.type):
            missing.append(port)
        # A form sends defaults back as paths relative to the document's folder, not to `folder`.
        folders = (folder, Path(plan.base))
        job[port.id] = _resolve_locations(
            restore_locations(without_dirnames(_to_file_objects(port.type, value)), plan.base), folders, namespaces
        )
        _check_names(port.id, job[port.id], plan.document)
    if missing:
        raise InputError(_missing_inputs_message(missing, plan.document))
    check_choices(plan, job)
    return job


def check_choices(plan: Plan, values: Mapping[str, Json]) -> None:
    """Check `mlcraft:choices`. Raises `InputError` that suggests the nearest allowed value."""
    for port in plan.root.inputs:
        value = values.get(port.id)
        for choice in (value if isinstance(value, list) else [value]) if port.choices else ():
            if isinstance(choice, str) and choice not in port.choices:
                raise InputError(
                    f"input '{port.id}' of {plan.document} is {choice!r}; {build_suggestion(choice, port.choices)}"
                )


def _check_names(name: str, value: Json, document: str) -> None:
    try:
        check_names(value)
    except UnsafeNameError as error:
        raise InputError(f"input '{name}' of {document}: {error}") from None


def find_unknown_inputs(workflow: Workflow, values: Mapping[str, Json]) -> list[str]:
    """Names in a job object that the document does not declare."""
    known = {port.id for port in workflow.inputs} | {REQUIREMENTS, _REQUIREMENTS_IRI}
    return sorted(name for name in values if name not in known and not name.startswith("$"))


def validate_job(
    interface: Json, job: dict[str, Json], *, document: str, folder: Path, log: LogLine
) -> dict[str, Json]:
    """The job after cwltool's checks of types and formats, with secondaryFiles, listings and contents filled in."""
    from cwltool.context import RuntimeContext
    from cwltool.errors import WorkflowException
    from schema_salad.exceptions import ValidationException

    from airflow_mlcraft.adapters.cwltool import init_job
    from airflow_mlcraft.cwl.javascript import install_node_engine
    from airflow_mlcraft.cwl.tool import build_process
    from airflow_mlcraft.cwl.tool_log import tool_log

    _check_files_exist(job, document)
    install_node_engine()
    context = RuntimeContext({"basedir": str(folder), "toplevel": True, "use_container": False})
    with tool_log(log):
        try:
            return init_job(build_process(interface), job, context)
        except (WorkflowException, ValidationException) as error:
            text = " ".join(str(error).removeprefix("Invalid job input record:").split())
            raise InputError(f"an input of {document} is wrong: {text}") from error
        except FileNotFoundError as error:
            raise InputError(f"an input of {document} names a file that is not there: {error.filename}") from error


def _check_files_exist(job: Mapping[str, Json], document: str) -> None:
    for name, value in job.items():
        for kind, location in _local_files(value):
            path = Path(unquote(urlsplit(location).path))
            if not path.exists():
                raise InputError(f"input '{name}' of {document} names a {kind} that is not there: {path}")


def _local_files(value: Json) -> Iterator[tuple[str, str]]:
    """The kind and location of every File and Directory on this machine in a value."""
    if isinstance(value, dict):
        location = value.get("location")
        if value.get("class") in ("File", "Directory") and str(location).startswith("file:"):
            yield value["class"], str(location)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _local_files(item)


def _missing_inputs_message(ports: list[Port], document: str) -> str:
    names = ", ".join(f"'{port.id}' ({_describe_type(port.type)})" for port in ports)
    example = ", ".join(f'"{port.id}": {_example_value(port.type)}' for port in ports)
    problem = (
        f"input {names} of {document} is missing" if len(ports) == 1 else f"inputs {names} of {document} are missing"
    )
    return f"{problem}; give it in the run's configuration, as {{{example}}}"


def _describe_type(cwl_type: Json) -> str:
    if isinstance(cwl_type, list):
        return " or ".join(_describe_type(item) for item in cwl_type if item != "null")
    if isinstance(cwl_type, dict):
        if cwl_type["type"] == "array":
            return f"array of {_describe_type(cwl_type['items'])}"
        return str(cwl_type["type"])
    return str(cwl_type).rpartition("#")[2]


def _example_value(cwl_type: Json) -> str:
    names = _type_names(cwl_type)
    if isinstance(cwl_type, dict) and cwl_type["type"] == "array":
        return f"[{_example_value(cwl_type['items'])}]"
    if "File" in names or "Directory" in names:
        kind = "File" if "File" in names else "Directory"
        return f'{{"class": "{kind}", "location": "…"}}'
    return "…"


def _type_names(cwl_type: Json) -> list[str]:
    if isinstance(cwl_type, list):
        return [name for item in cwl_type for name in _type_names(item)]
    return [cwl_type] if isinstance(cwl_type, str) else []


def _to_file_objects(cwl_type: Json, value: Json) -> Json:
    """The values, with a path or URI as a File or Directory if the type expects one: forms send texts only."""
    if isinstance(value, str):
        for kind in ("File", "Directory"):
            if kind in _type_names(cwl_type) and "string" not in _type_names(cwl_type):
                return {"class": kind, "location": value}
    items = next(_item_types(cwl_type), None)
    if isinstance(value, list) and items is not None:
        return [_to_file_objects(items, item) for item in value]
    return value


def _item_types(cwl_type: Json) -> Iterator[Json]:
    for option in cwl_type if isinstance(cwl_type, list) else [cwl_type]:
        if isinstance(option, dict) and option.get("type") == "array":
            yield option["items"]


def _resolve_locations(value: Json, folders: Sequence[Path], namespaces: Mapping[str, str]) -> Json:
    """Values with absolute locations instead of paths, and formats without prefixes, at any depth."""
    if isinstance(value, list):
        return [_resolve_locations(item, folders, namespaces) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _resolve_locations(item, folders, namespaces) for key, item in value.items()}
    if value.get("class") not in ("File", "Directory"):
        return value
    if "location" not in value and "path" in value:
        path = Path(value.pop("path"))
        value["location"] = path.as_uri() if path.is_absolute() else path.as_posix()
    prefix, colon, rest = str(value.get("format", "")).partition(":")
    if colon and prefix in namespaces:
        value["format"] = namespaces[prefix] + rest
    location = value.get("location")
    if isinstance(location, str) and not urlsplit(location).scheme:
        value["location"] = _resolve_relative(location, folders)
    return value


def _resolve_relative(location: str, folders: Sequence[Path]) -> str:
    """The absolute URI of a relative location: a URI reference in a job file, a plain path in a form."""
    for folder in folders:
        if (folder / location).exists():
            return (folder / location).absolute().as_uri()
    return f"{folders[0].absolute().as_uri()}/{quote(location, safe='/%')}"


def warn_unknown_inputs(names: list[str], document: str, log: LogLine) -> None:
    """Log a warning for values that the document does not declare."""
    if names:
        log(logging.WARNING, f"{document} has no input called {', '.join(names)}; ignored")


_NUMBER_TYPES = {"int": int, "long": int, "float": float, "double": float}


def job_from_options(workflow: Workflow, arguments: Sequence[str], *, prog: str) -> dict[str, Json]:
    """The job object from command-line options; `--help` prints the inputs and exits."""
    parser = argparse.ArgumentParser(
        prog=prog, description=workflow.doc or workflow.label or None, allow_abbrev=False, exit_on_error=False
    )
    for port in workflow.inputs:
        _add_option(parser, port)
    try:
        values, unknown = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; --help after the document lists the inputs") from error
    if unknown:
        raise InputError(f"there is no input {' '.join(unknown)}; --help after the document lists the inputs")
    return {name: value for name, value in vars(values).items() if value is not None}


def _add_option(parser: argparse.ArgumentParser, port: Port) -> None:
    cwl_type, repeated = _option_type(port.type)
    text = " — ".join(part for part in (port.label or port.doc, _default_label(port)) if part)
    text = text.replace("%", "%%")  # argparse formats it
    option = f"--{port.id}"
    if cwl_type == "boolean" and not repeated:
        parser.add_argument(option, dest=port.id, action=argparse.BooleanOptionalAction, help=text, default=None)
    elif repeated:
        parser.add_argument(option, dest=port.id, action="append", type=_option_parser(cwl_type, port), help=text)
    else:
        parser.add_argument(
            option, dest=port.id, type=_option_parser(cwl_type, port), help=text, metavar=_metavar(cwl_type)
        )


def _option_type(cwl_type: Json) -> tuple[Json, bool]:
    """The type of an option without null, and whether the option can be repeated, as for an array."""
    if isinstance(cwl_type, list):
        rest = [item for item in cwl_type if item != "null"]
        cwl_type = rest[0] if rest else "null"
    if isinstance(cwl_type, dict) and cwl_type["type"] == "array":
        return _option_type(cwl_type["items"])[0], True
    return cwl_type, False


def _option_parser(cwl_type: Json, port: Port):  # type: ignore[no-untyped-def]
    def read(text: str) -> Json:
        try:
            return _parse_value(cwl_type, text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{port.id} expects {_metavar(cwl_type)}, found {text!r}") from None

    return read


def _parse_value(cwl_type: Json, text: str) -> Json:
    if cwl_type in ("File", "Directory"):
        return {"class": cwl_type, "location": text if urlsplit(text).scheme else Path(text).absolute().as_uri()}
    if isinstance(cwl_type, str) and cwl_type in _NUMBER_TYPES:
        return _NUMBER_TYPES[cwl_type](text)
    if isinstance(cwl_type, dict) and cwl_type["type"] == "record":
        return json.loads(text)
    if cwl_type == "Any" and text[:1] in "[{":
        return json.loads(text)
    return text


def _metavar(cwl_type: Json) -> str:
    if isinstance(cwl_type, dict):
        if cwl_type["type"] == "enum":
            return (
                "{"
                + ",".join(str(symbol).rpartition("/")[2].rpartition("#")[2] for symbol in cwl_type["symbols"])
                + "}"
            )
        return "JSON"
    return str(cwl_type).rpartition("#")[2].upper()


def _default_label(port: Port) -> str:
    if port.has_default and not isinstance(port.default, dict):
        return f"default {json.dumps(port.default, ensure_ascii=False)}"
    return "optional" if port.optional else "required"
