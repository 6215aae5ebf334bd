"""Read a job file: YAML or JSON, locations relative to it, formats spelled out."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from cwltool.load_tool import jobloader_id_name, jobloaderctx
from cwltool.utils import CWLFileType, visit_files, visit_files_directories
from schema_salad.exceptions import SchemaSaladException
from schema_salad.ref_resolver import Loader
from schema_salad.utils import yaml_no_ts

from airflow_mlcraft.cwl.load import plain
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import InputError


def read_job(name: str) -> dict[str, Json]:
    """The job object in a file, or in standard input for `-`."""
    loader = Loader(jobloaderctx)
    try:
        if name == "-":
            given = yaml_no_ts().load(sys.stdin)
            job, _ = loader.resolve_all(given, Path.cwd().as_uri() + "/")
        else:
            if not Path(name).is_file():
                raise InputError(f"there is no job file {name}")
            job, _ = loader.resolve_ref(Path(name).absolute().as_uri(), checklinks=False)
    except SchemaSaladException as error:
        raise InputError(f"the job file {name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(job, dict):
        raise InputError(f"the job file {name} must hold a map of names and values, found {type(job).__name__}")
    return _spelled_out(plain(job))


def _spelled_out(job: dict[str, Json]) -> dict[str, Json]:
    visit_files_directories(cast(Any, job), _path_to_location)
    formats = Loader(job.pop("$namespaces", {}) or {})
    visit_files(cast(Any, job), partial(_expand_format, formats))
    return {name: value for name, value in job.items() if name not in (jobloader_id_name, "id", "$schemas", "cwl:tool")}


def _path_to_location(item: Any) -> None:
    if "path" in item and "location" not in item:
        path = str(item.pop("path"))
        item["location"] = path if urlsplit(path).scheme else Path(path).absolute().as_uri()


def _expand_format(formats: Loader, file: CWLFileType) -> None:
    if "format" in file:
        file["format"] = formats.expand_url(file["format"], "")
