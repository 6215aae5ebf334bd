"""A workflow's inputs as options of a command line: `--text book.txt --lines 3 --flag`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from airflow_mlcraft.cwl.plan import Json, Port, Workflow
from airflow_mlcraft.errors import InputError

_NUMBERS = {"int": int, "long": int, "float": float, "double": float}


def job_from_options(workflow: Workflow, given: Sequence[str], *, prog: str) -> dict[str, Json]:
    """The job object that options give; `--help` among them prints the inputs and leaves."""
    parser = argparse.ArgumentParser(
        prog=prog, description=workflow.doc or workflow.label or None, allow_abbrev=False, exit_on_error=False
    )
    for port in workflow.inputs:
        _add(parser, port)
    try:
        values, unknown = parser.parse_known_args(list(given))
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; --help after the document lists the inputs") from error
    if unknown:
        raise InputError(f"there is no input {' '.join(unknown)}; --help after the document lists the inputs")
    return {name: value for name, value in vars(values).items() if value is not None}


def _add(parser: argparse.ArgumentParser, port: Port) -> None:
    cwl_type, many = _simple(port.type)
    text = " — ".join(part for part in (port.label or port.doc, _spelled(port)) if part)
    text = text.replace("%", "%%")  # argparse formats it
    option = f"--{port.id}"
    if cwl_type == "boolean" and not many:
        parser.add_argument(option, dest=port.id, action=argparse.BooleanOptionalAction, help=text, default=None)
    elif many:
        parser.add_argument(option, dest=port.id, action="append", type=_reader(cwl_type, port), help=text)
    else:
        parser.add_argument(option, dest=port.id, type=_reader(cwl_type, port), help=text, metavar=_metavar(cwl_type))


def _simple(cwl_type: Json) -> tuple[Json, bool]:
    """A type without null, and whether it is an array of it."""
    if isinstance(cwl_type, list):
        rest = [item for item in cwl_type if item != "null"]
        cwl_type = rest[0] if rest else "null"
    if isinstance(cwl_type, dict) and cwl_type["type"] == "array":
        return _simple(cwl_type["items"])[0], True
    return cwl_type, False


def _reader(cwl_type: Json, port: Port):  # type: ignore[no-untyped-def]
    def read(text: str) -> Json:
        try:
            return _read(cwl_type, text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{port.id} expects {_metavar(cwl_type)}, found {text!r}") from None

    return read


def _read(cwl_type: Json, text: str) -> Json:
    if cwl_type in ("File", "Directory"):
        return {"class": cwl_type, "location": text if urlsplit(text).scheme else Path(text).absolute().as_uri()}
    if isinstance(cwl_type, str) and cwl_type in _NUMBERS:
        return _NUMBERS[cwl_type](text)
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


def _spelled(port: Port) -> str:
    if port.has_default and not isinstance(port.default, dict):
        return f"default {json.dumps(port.default, ensure_ascii=False)}"
    return "optional" if port.optional else "required"
