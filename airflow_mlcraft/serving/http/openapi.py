"""What the server takes and gives, as OpenAPI: the schemas of rows are those of the model that is served."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from airflow_mlcraft import __version__
from airflow_mlcraft.serving.http.inference_protocol import datatype
from airflow_mlcraft.serving.http.request_reader import LARGEST
from airflow_mlcraft.serving.model.signature import NUMBER, TEXT, TIME, TRUTH, WHOLE, Column
from airflow_mlcraft.serving.model.state import Served, example_records
from airflow_mlcraft.serving.options import Options

Schema = dict[str, Any]
_WHOLE_LIMITS = {"integer": 2**31, "long": 2**63}
_CELLS = {
    NUMBER: r"-?[0-9]{1,9}(\.[0-9]{1,9})?",
    WHOLE: "-?[0-9]{1,9}",
    TRUTH: "(true|false)",
    TEXT: "[A-Za-z]{1,20}",
    TIME: "20[0-9][0-9]-0[1-9]-[01][1-9]",
}
_REFUSALS = {
    "400": "The body cannot be read",
    "401": "The API key is missing or wrong",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is of a type that is not taken",
    "422": "The rows are not what the model's signature asks for",
    "503": "Too many requests wait; Retry-After says when to come back",
    "504": "The model did not answer in time",
}


def document(served: Served, options: Options) -> dict[str, Any]:
    """The whole OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {served.name}", "version": __version__},
        "paths": {**_predictions(served, options), **_information(served)},
        "components": {
            "schemas": {"Error": _error(), "Row": row(served)},
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def row(served: Served) -> Schema:
    """One row as an object."""
    return {
        "type": "object",
        "properties": {column.name: _value(column) for column in served.signature.columns},
        "required": [column.name for column in served.signature.columns if column.required],
        "additionalProperties": False,
    }


def _predictions(served: Served, options: Options) -> dict[str, Any]:
    example = example_records(served)[:1]
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1, "maxItems": options.max_rows}
    columns = served.signature.columns
    matrix = _list(
        {
            "type": "array",
            "prefixItems": [_value(column) for column in columns],
            "items": False,
            "minItems": len(columns),
        },
        options,
    )
    one_row = {
        "type": "object",
        "properties": {column.name: _list(_value(column), options, longest=1) for column in columns},
        "required": [column.name for column in columns if column.required],
        "additionalProperties": False,
    }
    split = _only({"columns": {"const": list(served.signature.names)}, "data": matrix}, ["data"])
    probabilities = {
        "name": "probabilities",
        "in": "query",
        "required": False,
        "schema": {"type": "boolean"} if served.predictor.has_probabilities else {"const": False},
        "description": "Whether to give the probability of each class as well",
    }
    output = {"type": "array"}
    in_order = sorted(columns, key=lambda column: not column.required)
    tensors = {
        "type": "array",
        "prefixItems": [_tensor(column) for column in in_order],
        "items": False,
        "minItems": sum(column.required for column in columns),
    }
    as_csv = {"schema": {"type": "string", "pattern": _csv_pattern(served)}, "example": _csv(served)}
    return {
        "/predict": {
            "post": _operation(
                "Predict rows given as records, as columns, or as CSV",
                {
                    "application/json": {
                        "schema": {"oneOf": [_only({"records": rows}), _only({"columns": one_row}), rows]},
                        "example": {"records": example},
                    },
                    "text/csv": as_csv,
                },
                _only(
                    {"predictions": output, "model": {"type": "string"}, "probabilities": output, "classes": output},
                    ["predictions", "model"],
                ),
                [probabilities],
            )
        },
        "/invocations": {
            "post": _operation(
                "Predict rows in MLflow's formats",
                {
                    "application/json": {
                        "schema": {
                            "oneOf": [
                                _only({"dataframe_split": split}),
                                _only({"dataframe_records": rows}),
                                _only({"inputs": {"anyOf": [one_row, rows, matrix]}}),
                                _only({"instances": {"anyOf": [rows, matrix]}}),
                            ]
                        },
                        "example": {"dataframe_records": example},
                    },
                    "text/csv": as_csv,
                },
                _only({"predictions": output}),
            )
        },
        f"/v2/models/{served.name}/infer": {
            "post": _operation(
                "Predict rows in the format of the Open Inference Protocol",
                {
                    "application/json": {
                        "schema": _only({"id": {"type": "string"}, "inputs": tensors}, ["inputs"]),
                        "example": {
                            "inputs": [
                                {"name": c.name, "shape": [1], "datatype": datatype(c), "data": [example[0][c.name]]}
                                for c in columns
                            ]
                        },
                    }
                },
                _only(
                    {
                        "model_name": {"type": "string"},
                        "model_version": {"type": "string"},
                        "id": {"type": "string"},
                        "outputs": output,
                    },
                    ["model_name", "model_version", "outputs"],
                ),
            )
        },
    }


def _information(served: Served) -> dict[str, Any]:
    name = served.name
    described = {
        "/health/live": "Whether the process is there",
        "/health/ready": "Whether it takes requests",
        "/health": "Whether it takes requests",
        "/predictions_count": "Rows predicted, by model and by class",
        "/latency": "Quantiles of the last requests, in milliseconds",
        "/model": "What is served",
        "/v2": "The server, in the words of the Open Inference Protocol",
        "/v2/health/live": "Whether the process is there",
        "/v2/health/ready": "Whether it takes requests",
        f"/v2/models/{name}": "The model, in the words of the Open Inference Protocol",
        f"/v2/models/{name}/ready": "Whether the model takes requests",
        "/openapi.json": "This document",
    }
    paths: dict[str, Any] = {
        path: _get(what, "application/json", {"type": "object"}) for path, what in described.items()
    }
    paths["/metrics"] = _get("Metrics for Prometheus", "text/plain", {"type": "string"})
    paths["/"] = _get("A page to try the model and to watch it", "text/html", {"type": "string"})
    return paths


def _get(what: str, content_type: str, schema: Schema) -> dict[str, Any]:
    answers = {
        "200": {"description": what, "content": {content_type: {"schema": schema}}},
        "401": _refusal("401"),
        "503": {"description": "Not ready", "content": {"application/json": {"schema": {"type": "object"}}}},
    }
    return {"get": {"summary": what, "security": _SECURITY, "responses": answers}}


def _operation(what: str, content: Schema, answer: Schema, parameters: list[Schema] | None = None) -> dict[str, Any]:
    return {
        "summary": what,
        "security": _SECURITY,
        "parameters": parameters or [],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The predictions", "content": {"application/json": {"schema": answer}}},
            **{status: _refusal(status) for status in _REFUSALS},
        },
    }


# With a key or, when the server asks for none, without.
_SECURITY: list[dict[str, list[str]]] = [{}, {"header": []}, {"bearer": []}]


def _refusal(status: str) -> dict[str, Any]:
    return {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _error() -> Schema:
    return _only(
        {
            "error": {"type": "string"},
            "request_id": {"type": "string"},
            "column": {"type": "string"},
            "row": {"type": "integer"},
        },
        ["error", "request_id"],
    )


def _value(column: Column) -> Schema:
    schema: Schema = {"type": "string"}
    if column.kind == NUMBER:
        schema = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
    elif column.kind == WHOLE:
        limit = _WHOLE_LIMITS[column.type]
        schema = {"type": "integer", "minimum": -limit, "maximum": limit - 1}
    elif column.kind == TRUTH:
        schema = {"type": "boolean"}
    elif column.kind == TIME:
        schema = {"type": "string", "format": "date-time"}
    return {"anyOf": [schema, {"type": "null"}]} if column.nullable else schema


def _tensor(column: Column) -> Schema:
    return _only(
        {
            "name": {"const": column.name},
            "shape": {"const": [1]},
            "datatype": {"const": datatype(column)},
            "data": {"type": "array", "items": _value(column), "minItems": 1, "maxItems": 1},
        },
        ["name", "shape", "datatype", "data"],
    )


def _list(items: Schema, options: Options, longest: int | None = None) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": longest or options.max_rows}


def _only(properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _csv(served: Served) -> str:
    rows = [served.signature.names, *(record.values() for record in example_records(served)[:1])]
    return "".join(map(_csv_line, rows))


def _csv_line(cells: Iterable[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _csv_pattern(served: Served) -> str:
    """A plain form of what is taken: all columns in the model's order, and no cell that needs quotes."""
    cells = ",".join(_CELLS[column.kind] for column in served.signature.columns)
    return f"^{re.escape(_csv_line(served.signature.names).rstrip())}\\n({cells}\\n){{1,100}}$"
