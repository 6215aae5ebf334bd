"""Reading of job files: YAML or JSON, with locations relative to the file, and full addresses of formats."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from cwltool.utils import visit_files, visit_files_directories
from ruamel.yaml.error import YAMLError
from schema_salad.exceptions import SchemaSaladException
from schema_salad.ref_resolver import Loader
from schema_salad.utils import yaml_no_ts

from airflow_mlcraft.adapters.cwltool import JOB_ID_FIELD, create_job_loader
from airflow_mlcraft.cwl.nodes import to_builtin
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import InputError

_RESERVED_FIELDS = (JOB_ID_FIELD, "id", "$schemas", "cwl:tool", "https://w3id.org/cwl/cwl#tool")


def read_job(name: str) -> dict[str, Json]:
    """The job object in a file, or in standard input for `-`."""
    text, folder, base = _read_text(name)
    loader = create_job_loader()
    try:
        values = yaml_no_ts().load(text)
        if values is None:
            return {}
        if not isinstance(values, dict):
            kind = "a list" if isinstance(values, list) else f"the value {str(values)[:60]!r}"
            raise InputError(f"the job file {name} must hold a map of names and values, found {kind}")
        # Converted before loading: the loader would read a path as a part of a URI.
        visit_files_directories(cast(Any, values), partial(_path_to_location, folder))
        job, _ = loader.resolve_all(cast(Any, values), base, checklinks=False)
    except (SchemaSaladException, YAMLError) as error:
        raise InputError(f"the job file {name} cannot be read: {' '.join(str(error).split())}") from error
    return _expand_formats(to_builtin(job))


def _read_text(name: str) -> tuple[str, Path, str]:
    """The text, the folder that its paths are relative to, and its URI."""
    if name == "-":
        return sys.stdin.read(), Path.cwd(), Path.cwd().as_uri() + "/"
    path = Path(name)
    if not path.exists():
        raise InputError(f"there is no job file {name}")
    if path.is_dir():
        raise InputError(f"the job file {name} is a folder; expected a file in YAML or JSON")
    try:
        if not path.is_file():
            # A pipe, as of the shell's <(…), has no folder that paths could be relative to.
            return path.read_text(encoding="utf-8"), Path.cwd(), Path.cwd().as_uri() + "/"
        return path.read_text(encoding="utf-8"), path.absolute().parent, path.absolute().as_uri()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the job file {name} cannot be read: {error}") from error


def _expand_formats(job: dict[str, Json]) -> dict[str, Json]:
    formats = Loader(job.pop("$namespaces", {}) or {})
    visit_files(cast(Any, job), partial(_expand_format, formats))
    return {name: value for name, value in job.items() if name not in _RESERVED_FIELDS}


def _path_to_location(folder: Path, item: Any) -> None:
    if "path" in item and "location" not in item:
        path = str(item.pop("path"))
        item["location"] = path if urlsplit(path).scheme else (folder / path).absolute().as_uri()


def _expand_format(formats: Loader, file: Any) -> None:
    if "format" in file:
        file["format"] = formats.expand_url(file["format"], "")
