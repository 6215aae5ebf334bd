"""All settings of the section `[mlcraft]`: their definitions, readers by type, and validation.

Values are read from Airflow's configuration at each call. docs/settings.md lists the same settings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple

from airflow_mlcraft.errors import SettingsError


class Setting(NamedTuple):
    """One option of the section, as Airflow's provider information describes it."""

    description: str
    default: str
    kind: str = "string"
    example: str | None = None
    sensitive: bool = False
    choices: tuple[str, ...] = ()
    unit: Literal["", "bytes", "seconds"] = ""


SECTION = "mlcraft"
_VARIABLE_PREFIX = "AIRFLOW__MLCRAFT__"
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
_NUMBER = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([a-zA-Z]*)")
_BYTE_UNITS = {
    **dict.fromkeys(("", "b", "byte", "bytes"), 1.0),
    **{f"{prefix}{end}": 1000.0**power for power, prefix in enumerate("kmgt", 1) for end in ("", "b")},
    **{f"{prefix}{end}": 1024.0**power for power, prefix in enumerate("kmgt", 1) for end in ("i", "ib")},
}
_TIME_UNITS = {
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    "ms": 0.001,
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}

SETTINGS: dict[str, Setting] = {
    "store": Setting(
        "Folder of the files that tasks pass on, in DVC's cache layout. Share it between workers, or set store_remote.",
        "{AIRFLOW_HOME}/mlcraft/store",
    ),
    "store_remote": Setting(
        "Where each file is kept as well, so that a worker on another machine finds it: an fsspec URL.",
        "",
        example="s3://bucket/mlcraft",
    ),
    "store_conn_id": Setting(
        "Connection of type mlcraft_store that names the remote and what opens it; used instead of store_remote.", ""
    ),
    "documents": Setting(
        "Folder of the documents that the workflow builder shows; a relative one starts from the DAGs folder.",
        "../cwl",
    ),
    "composer_form": Setting(
        "Whether new documents of the workflow builder are in the form that Rabix Composer opens; CWL v1.2 otherwise.",
        "False",
        kind="boolean",
    ),
    "upload_limit": Setting(
        "Bytes that a file may have which is uploaded into the store from a page.",
        "1073741824",
        kind="integer",
        unit="bytes",
    ),
    "cache": Setting("Folder of the compiled documents.", "{AIRFLOW_HOME}/mlcraft/cache"),
    "parse_seconds": Setting(
        "Seconds that Airflow's parse of a DAG file waits for documents that have to be compiled; those that are not "
        "ready by then are DAGs after a later parse. At most a third of Airflow's own limits counts.",
        "10",
        kind="float",
        unit="seconds",
    ),
    "tool_dags": Setting(
        "Whether a document that is a single tool is a DAG as well; with False, workflows alone are, and the tools "
        "whose hint mlcraft:Dag says hidden: false.",
        "True",
        kind="boolean",
    ),
    "outputs": Setting(
        "Folder that a run's output files are put into; {{ dag_id }} and {{ run_id }} stand for the run's.",
        "{AIRFLOW_HOME}/mlcraft/outputs/{{ dag_id }}/{{ run_id }}",
    ),
    "outputs_writable": Setting(
        "Whether output files are copies of their own rather than read-only links into the store.",
        "False",
        kind="boolean",
    ),
    "input_folder": Setting(
        "Folder that relative paths in a run's inputs start from; the document's own folder when empty.", ""
    ),
    "xcom_limit": Setting(
        "Bytes that a task's result may have in Airflow's database; a larger one goes into the store.",
        "100000",
        kind="integer",
        unit="bytes",
    ),
    "reuse": Setting(
        "Whether a step that was run before, with the same tool and the same inputs, gives the outputs of then. "
        "A task that is retried or cleared runs in any case.",
        "True",
        kind="boolean",
    ),
    "development_versions": Setting(
        "Whether documents may be in a version of CWL that is in development: v1.3.0-dev1, which has loops.",
        "False",
        kind="boolean",
    ),
    "fuse": Setting(
        "Which steps run together in one task: off (none), hinted (those with the hint mlcraft:Fuse), or all (each "
        "workflow whose steps need no task of their own).",
        "hinted",
        choices=("off", "hinted", "all"),
    ),
    "containers": Setting(
        "Whether tools that name a container run in one: auto (where an engine answers; a tool that only "
        "hints at a container runs without one otherwise), always, or never.",
        "auto",
        choices=("auto", "always", "never"),
    ),
    "container_engine": Setting(
        "The command of the container engine: docker or podman.", "docker", choices=("docker", "podman")
    ),
    "container_pull": Setting("Whether images that are not there are pulled.", "True", kind="boolean"),
    "container_network": Setting("The network that containers with network access join.", ""),
    "preload": Setting(
        "Whether the scheduler of a LocalExecutor loads what CWL steps need, so that each task finds it loaded.",
        "True",
        kind="boolean",
    ),
    "deployments": Setting(
        "Folder that remembers what is served on this machine, one folder a deployment.",
        "{AIRFLOW_HOME}/mlcraft/deployments",
    ),
    "environments": Setting(
        "Folder of the Python environments of projects whose requirements.txt asks for more than MLcraft brings.",
        "{AIRFLOW_HOME}/mlcraft/environments",
    ),
    "allowed_document_hosts": Setting(
        "Hosts, separated by commas, that documents may be read from over http; none by default.",
        "",
        example="raw.githubusercontent.com",
    ),
    "run_code": Setting(
        "Whether a run on a server may bring own code, as a file in its form. The code of documents and projects runs "
        "in any case.",
        "False",
        kind="boolean",
    ),
    "allow_job_requirements": Setting(
        "Whether a run on a server may bring cwl:requirements, which change what a tool does.",
        "False",
        kind="boolean",
    ),
    "allowed_connections": Setting(
        "Connections, separated by commas, that a run on a server may name; name=host where the connection itself "
        "names no host. Those in documents are allowed.",
        "",
        example="warehouse,partner_api=api.partner.example",
    ),
    "allowed_secrets": Setting(
        "Environment variables that a run on a server may name, each with the one host that it may be sent to. Those "
        "in documents are allowed, for the hosts in the same document.",
        "",
        example="PARTNER_KEY=api.partner.example",
    ),
    "allowed_paths": Setting(
        "Folders, separated by commas, of the worker's files that a run on a server may name. Files of documents are "
        "allowed.",
        "",
        example="/data/incoming,/data/reference",
    ),
    "allowed_hosts": Setting(
        "Hosts and buckets, separated by commas, with * for any characters, that a run on a server may fetch data "
        "from; any public host when empty. Those in documents are allowed.",
        "",
        example="*.data.example,internal.example",
    ),
    "private_addresses": Setting(
        "Whether a run on a server may fetch data from private and loopback addresses: refuse, or allow. Link-local "
        "ones, where clouds give out credentials, need their host in allowed_hosts.",
        "refuse",
    ),
    "tracking": Setting(
        "Whether runs are tracked in MLflow: auto (documents with machine-learning steps), always, or never.",
        "auto",
        choices=("auto", "always", "never"),
    ),
    "tracking_uri": Setting(
        "Address of the MLflow tracking server, or of another store of MLflow; MLFLOW_TRACKING_URI when empty, "
        "and without that a database beside the folder tracking_spool.",
        "",
        example="http://localhost:5000",
    ),
    "tracking_conn_id": Setting(
        "Connection of type mlflow that has the address and what opens it; used instead of tracking_uri.", ""
    ),
    "tracking_experiment": Setting("The MLflow experiment of all runs; when empty, each DAG has one of its name.", ""),
    "tracking_spool": Setting(
        "Folder of what is not yet sent to the tracking store. It has to stay for as long as the store may be down.",
        "{AIRFLOW_HOME}/mlcraft/tracking",
    ),
    "tracking_limit": Setting(
        "Seconds that a task may wait for the tracking store at most, where it waits at all.",
        "5",
        kind="float",
        unit="seconds",
    ),
    "tracking_wait": Setting(
        "Whether a task waits until it is sent: auto (in pods of the Kubernetes executor, whose disk goes with them), "
        "always, or never.",
        "auto",
        choices=("auto", "always", "never"),
    ),
    "tracking_linger": Setting(
        "Seconds that the process that sends to the tracking store stays when there is nothing to send.",
        "30",
        kind="float",
        unit="seconds",
    ),
    "data_repo": Setting(
        "Folder of the git and DVC repository that data with a path in the document is versioned in; the one that the "
        "document's folder is in when empty.",
        "",
    ),
    "data_conn_id": Setting(
        "Connection of type dvc that names the repository and what opens its remote; used instead of data_repo.", ""
    ),
    "data_checkout": Setting(
        "Whether versioned data is put into the repository's folder too, linked as its cache.type says, and as "
        "read-only links without one.",
        "True",
        kind="boolean",
    ),
    "data_clones": Setting(
        "Folder of the clones of git repositories that connections name by a URL.", "{AIRFLOW_HOME}/mlcraft/clones"
    ),
    "push_failures": Setting(
        "What a DVC remote that refuses data does to the task: warn, or fail. The data and its pointers are safe in "
        "either case, and the next run pushes what is missing.",
        "warn",
        choices=("fail", "warn"),
    ),
}


def get(name: str) -> str:
    """The value of a setting, or its default."""
    from airflow.configuration import conf

    value = str(conf.get(SECTION, name, fallback=SETTINGS[name].default) or "")
    return value.replace("{AIRFLOW_HOME}", str(_airflow_home())) if "{" in value else value


def get_bool(name: str) -> bool:
    """The value of a setting that is true or false."""
    return _parse_bool(name, get(name))


def get_choice(name: str) -> str:
    """The value of a setting with a fixed set of choices."""
    return _parse_choice(name, get(name))


def get_seconds(name: str) -> float:
    """The value of a time setting in seconds; it is a number, or one with a unit, as 5 min."""
    return _parse_number_with_unit(name, get(name), _TIME_UNITS, "a number of seconds, or one with s, min or h")


def get_bytes(name: str) -> int:
    """The value of a size setting in bytes; it is a number, or one with a unit, as 100 kB or 1 GiB."""
    return int(
        _parse_number_with_unit(
            name, get(name), _BYTE_UNITS, "a number of bytes, or one with kB, MB, GB, KiB, MiB or GiB"
        )
    )


def get_path(name: str) -> Path:
    """The value of a setting that is a folder."""
    return Path(get(name)).expanduser()


def get_list(name: str) -> tuple[str, ...]:
    """The values of a setting that are separated by commas."""
    return tuple(item.strip() for item in get(name).split(",") if item.strip())


def config_section() -> dict[str, Any]:
    """The section `[mlcraft]` in the form of Airflow's provider information."""
    return {
        SECTION: {
            "description": "How CWL documents are imported and run.",
            "options": {
                name: {
                    "description": setting.description,
                    "type": setting.kind,
                    "version_added": "0.1.0",
                    "default": setting.default,
                    "example": setting.example,
                    "sensitive": setting.sensitive,
                }
                for name, setting in SETTINGS.items()
            },
        }
    }


def find_problems(options: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each unknown or invalid option in `options`, or else in Airflow's configuration."""
    sentences = []
    for name, value in (_read_configuration() if options is None else options).items():
        if name not in SETTINGS:
            nearest = get_close_matches(name, SETTINGS, 1)
            guess = f"; {nearest[0]} is meant?" if nearest else "; docs/settings.md lists what there is"
            sentences.append(f"[{SECTION}] has no option {name}{guess}")
            continue
        try:
            _check_value(name, value)
        except SettingsError as error:
            sentences.append(str(error))
    return sentences


def read_environment() -> dict[str, str]:
    """The options that are set by environment variables; needs no Airflow configuration."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLE_PREFIX)}
    return {name.removeprefix(_VARIABLE_PREFIX).lower(): value for name, value in variables.items()}


def _read_configuration() -> dict[str, str]:
    from airflow.configuration import conf

    return {str(name): str(value) for name, value in (conf.getsection(SECTION) or {}).items()}


def _check_value(name: str, value: str) -> None:
    setting = SETTINGS[name]
    if setting.choices:
        _parse_choice(name, value)
    elif setting.kind == "boolean":
        _parse_bool(name, value)
    elif setting.unit == "bytes":
        _parse_number_with_unit(name, value, _BYTE_UNITS, "a number of bytes, or one with kB, MB, GB, KiB, MiB or GiB")
    elif setting.unit == "seconds":
        _parse_number_with_unit(name, value, _TIME_UNITS, "a number of seconds, or one with s, min or h")


def _parse_bool(name: str, value: str) -> bool:
    word = (value.strip() or SETTINGS[name].default).lower()
    if word not in _BOOLEANS:
        raise _to_error(name, value, "true or false")
    return _BOOLEANS[word]


def _parse_choice(name: str, value: str) -> str:
    word, choices = (value.strip() or SETTINGS[name].default).lower(), SETTINGS[name].choices
    if word not in choices:
        raise _to_error(name, value, f"{', '.join(choices[:-1])} or {choices[-1]}")
    return word


def _parse_number_with_unit(name: str, value: str, units: Mapping[str, float], expected: str) -> float:
    match = _NUMBER.fullmatch(value.strip() or SETTINGS[name].default)
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise _to_error(name, value, expected)
    return float(match[1].replace("_", "")) * factor


def _to_error(name: str, value: str, expected: str) -> SettingsError:
    variable = f"{_VARIABLE_PREFIX}{name.upper()}"
    where = f"the environment variable {variable}" if variable in os.environ else "airflow.cfg"
    return SettingsError(f"[{SECTION}] {name} is {value!r}, expected {expected}; it is set in {where}")


def _airflow_home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
