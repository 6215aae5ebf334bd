"""The sandbox process, which loads documents for the web pages. Requests and responses are lines of JSON.

cwltool is imported once. A document that crashes it, fills its memory or never ends affects this process only.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.compile import compile_document
from airflow_mlcraft.cwl.composer.form import composer_form, form_to_json
from airflow_mlcraft.cwl.errors.load_errors import split_errors
from airflow_mlcraft.cwl.load import load
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.sources import Sources
from airflow_mlcraft.errors import DocumentError, MlcraftError, SeveralProcessesError
from airflow_mlcraft.library.command_line import build_command_line

_MAX_MEMORY_BYTES = 4 * 1024**3


def main() -> None:
    """Handle requests until standard input is closed."""
    requests, answers = _private_streams()
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in requests:
        request = json.loads(line)
        print(json.dumps(_handle(request), ensure_ascii=True), file=answers, flush=True)


def _private_streams() -> tuple[TextIO, TextIO]:
    """Duplicate the streams of requests and responses, and redirect standard output, which cwltool may print to."""
    requests, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    return requests, answers


def _handle(request: dict[str, Any]) -> Json:
    try:
        return {"done": _ACTIONS[request["action"]](request)}
    except MlcraftError as error:
        return {"errors": list(_errors_to_json(error))}
    except MemoryError:
        return {"errors": [{"message": "needs more memory to be read than there is"}]}


def _check(request: dict[str, Any]) -> Json:
    """Compile a text and return its plans."""
    try:
        names = [""]
        loaded = _load(request, "")
    except SeveralProcessesError as several:
        names = list(several.names)
    plans = {name: compile_document(_load(request, name) if name else loaded)[0] for name in names}
    return [
        {"plan": plan.to_json(), "digest": plan.digest, "base": plan.base, "fragment": name}
        for name, plan in plans.items()
    ]


def _compile(request: dict[str, Any]) -> Json:
    """Compile the file on disk, and store its plans in the cache for the parsing of the DAG file."""
    plans = _check(request)
    cache = PlanCache(Path(request["cache"]), request["hosts"])
    for found in plans:
        cache.compile(Path(request["path"]), found["fragment"])
    if len(plans) > 1:
        # The error that there are several processes is cached as well.
        with suppress(SeveralProcessesError):
            cache.compile(Path(request["path"]))
    return plans


def _command(request: dict[str, Any]) -> Json:
    return build_command_line(_load(request, ""), request["values"])


def _load(request: dict[str, Any], fragment: str) -> Any:
    path = Path(request["path"])
    texts = {path: request["text"]} if request.get("text") is not None else None
    return load(
        path,
        fragment,
        allowed_hosts=request["hosts"],
        sources=Sources(),
        texts=texts,
        allowed_folders=[Path(folder) for folder in request["within"]],
    )


def _errors_to_json(error: MlcraftError) -> Iterator[Json]:
    """Return all errors that the loader found, each with its position if it is known."""
    for single in split_errors(error) if isinstance(error, DocumentError) else [DocumentError(str(error))]:
        yield {"message": single.message, "path": single.path, "line": single.line, "column": single.column}


def _composer_form(request: dict[str, Any]) -> Json:
    allowed_folders = [Path(folder) for folder in request["within"]]
    return dict(form_to_json(composer_form(Path(request["path"]), request["text"], allowed_folders=allowed_folders)))


_ACTIONS = {"check": _check, "compile": _compile, "command": _command, "composer_form": _composer_form}

if __name__ == "__main__":
    main()
