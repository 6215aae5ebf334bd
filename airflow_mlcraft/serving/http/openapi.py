"""The OpenAPI document of the server, with row schemas from the signature of the served model."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from airflow_mlcraft import __version__
from airflow_mlcraft.serving.http.inference_protocol import to_datatype
from airflow_mlcraft.serving.http.request_reader import MAX_NUMBER
from airflow_mlcraft.serving.model.signature import BOOLEAN, DATETIME, INTEGER, INTEGER_LIMITS, NUMBER, TEXT, Column
from airflow_mlcraft.serving.model.state import ServedModel, example_records
from airflow_mlcraft.serving.options import Options

Schema = dict[str, Any]
_CSV_CELL_PATTERNS = {
    NUMBER: r"-?[0-9]{1,9}(\.[0-9]{1,9})?",
    INTEGER: "-?[0-9]{1,9}",
    BOOLEAN: "(true|false)",
    TEXT: "[A-Za-z]{1,20}",
    DATETIME: "20[0-9][0-9]-0[1-9]-[01][1-9]",
}
_ERROR_DESCRIPTIONS = {
    "400": "The body cannot be read",
    "401": "The API key is missing or wrong",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is of a type that is not taken",
    "422": "The rows are not what the model's signature asks for",
    "503": "Too many requests wait; Retry-After says when to come back",
    "504": "The model did not answer in time",
}


def build_document(served: ServedModel, options: Options) -> dict[str, Any]:
    """The whole OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {served.name}", "version": __version__},
        "paths": {**_build_prediction_paths(served, options), **_build_information_paths(served)},
        "components": {
            "schemas": {"Error": _build_error_schema(), "Row": build_row_schema(served)},
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def build_row_schema(served: ServedModel) -> Schema:
    """The schema of one row as an object."""
    return {
        "type": "object",
        "properties": {column.name: _build_value_schema(column) for column in served.signature.columns},
        "required": [column.name for column in served.signature.columns if column.required],
        "additionalProperties": False,
    }


def _build_prediction_paths(served: ServedModel, options: Options) -> dict[str, Any]:
    example = example_records(served)[:1]
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1, "maxItems": options.max_rows}
    columns = served.signature.columns
    matrix = _build_array_schema(
        {
            "type": "array",
            "prefixItems": [_build_value_schema(column) for column in columns],
            "items": False,
            "minItems": len(columns),
        },
        options,
    )
    one_row = {
        "type": "object",
        "properties": {
            column.name: _build_array_schema(_build_value_schema(column), options, max_items=1) for column in columns
        },
        "required": [column.name for column in columns if column.required],
        "additionalProperties": False,
    }
    split = _build_object_schema({"columns": {"const": list(served.signature.names)}, "data": matrix}, ["data"])
    probabilities = {
        "name": "probabilities",
        "in": "query",
        "required": False,
        "schema": {"type": "boolean"} if served.predictor.has_probabilities else {"const": False},
        "description": "Whether to give the probability of each class as well",
    }
    output = {"type": "array"}
    required_first = sorted(columns, key=lambda column: not column.required)
    tensors = {
        "type": "array",
        "prefixItems": [_build_tensor_schema(column) for column in required_first],
        "items": False,
        "minItems": sum(column.required for column in columns),
    }
    csv_content = {
        "schema": {"type": "string", "pattern": _build_csv_pattern(served)},
        "example": _build_csv_example(served),
    }
    return {
        "/predict": {
            "post": _build_post_operation(
                "Predict rows given as records, as columns, or as CSV",
                {
                    "application/json": {
                        "schema": {
                            "oneOf": [
                                _build_object_schema({"records": rows}),
                                _build_object_schema({"columns": one_row}),
                                rows,
                            ]
                        },
                        "example": {"records": example},
                    },
                    "text/csv": csv_content,
                },
                _build_object_schema(
                    {"predictions": output, "model": {"type": "string"}, "probabilities": output, "classes": output},
                    ["predictions", "model"],
                ),
                [probabilities],
            )
        },
        "/invocations": {
            "post": _build_post_operation(
                "Predict rows in MLflow's formats",
                {
                    "application/json": {
                        "schema": {
                            "oneOf": [
                                _build_object_schema({"dataframe_split": split}),
                                _build_object_schema({"dataframe_records": rows}),
                                _build_object_schema({"inputs": {"anyOf": [one_row, rows, matrix]}}),
                                _build_object_schema({"instances": {"anyOf": [rows, matrix]}}),
                            ]
                        },
                        "example": {"dataframe_records": example},
                    },
                    "text/csv": csv_content,
                },
                _build_object_schema({"predictions": output}),
            )
        },
        f"/v2/models/{served.name}/infer": {
            "post": _build_post_operation(
                "Predict rows in the format of the Open Inference Protocol",
                {
                    "application/json": {
                        "schema": _build_object_schema({"id": {"type": "string"}, "inputs": tensors}, ["inputs"]),
                        "example": {
                            "inputs": [
                                {"name": c.name, "shape": [1], "datatype": to_datatype(c), "data": [example[0][c.name]]}
                                for c in columns
                            ]
                        },
                    }
                },
                _build_object_schema(
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


def _build_information_paths(served: ServedModel) -> dict[str, Any]:
    name = served.name
    descriptions = {
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
        path: _build_get_operation(summary, "application/json", {"type": "object"})
        for path, summary in descriptions.items()
    }
    paths["/metrics"] = _build_get_operation("Metrics for Prometheus", "text/plain", {"type": "string"})
    paths["/"] = _build_get_operation("A page to try the model and to watch it", "text/html", {"type": "string"})
    return paths


def _build_get_operation(summary: str, content_type: str, schema: Schema) -> dict[str, Any]:
    responses = {
        "200": {"description": summary, "content": {content_type: {"schema": schema}}},
        "401": _build_error_response("401"),
        "503": {"description": "Not ready", "content": {"application/json": {"schema": {"type": "object"}}}},
    }
    return {"get": {"summary": summary, "security": _SECURITY, "responses": responses}}


def _build_post_operation(
    summary: str, content: Schema, response_schema: Schema, parameters: list[Schema] | None = None
) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": _SECURITY,
        "parameters": parameters or [],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The predictions", "content": {"application/json": {"schema": response_schema}}},
            **{status: _build_error_response(status) for status in _ERROR_DESCRIPTIONS},
        },
    }


# Without a key, or with one in either header: the document is the same whether the server has a key or not.
_SECURITY: list[dict[str, list[str]]] = [{}, {"header": []}, {"bearer": []}]


def _build_error_response(status: str) -> dict[str, Any]:
    return {
        "description": _ERROR_DESCRIPTIONS[status],
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _build_error_schema() -> Schema:
    return _build_object_schema(
        {
            "error": {"type": "string"},
            "request_id": {"type": "string"},
            "column": {"type": "string"},
            "row": {"type": "integer"},
        },
        ["error", "request_id"],
    )


def _build_value_schema(column: Column) -> Schema:
    schema: Schema = {"type": "string"}
    if column.kind == NUMBER:
        schema = {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
    elif column.kind == INTEGER:
        limit = INTEGER_LIMITS[column.type]
        schema = {"type": "integer", "minimum": -limit, "maximum": limit - 1}
    elif column.kind == BOOLEAN:
        schema = {"type": "boolean"}
    elif column.kind == DATETIME:
        schema = {"type": "string", "format": "date-time"}
    return {"anyOf": [schema, {"type": "null"}]} if column.nullable else schema


def _build_tensor_schema(column: Column) -> Schema:
    return _build_object_schema(
        {
            "name": {"const": column.name},
            "shape": {"const": [1]},
            "datatype": {"const": to_datatype(column)},
            "data": {"type": "array", "items": _build_value_schema(column), "minItems": 1, "maxItems": 1},
        },
        ["name", "shape", "datatype", "data"],
    )


def _build_array_schema(items: Schema, options: Options, max_items: int | None = None) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": max_items or options.max_rows}


def _build_object_schema(properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _build_csv_example(served: ServedModel) -> str:
    rows = [served.signature.names, *(record.values() for record in example_records(served)[:1])]
    return "".join(map(_to_csv_line, rows))


def _to_csv_line(cells: Iterable[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _build_csv_pattern(served: ServedModel) -> str:
    """A pattern of a subset of the accepted CSV: all columns in the model's order, and no cell that needs quotes."""
    cells = ",".join(_CSV_CELL_PATTERNS[column.kind] for column in served.signature.columns)
    return f"^{re.escape(_to_csv_line(served.signature.names).rstrip())}\\n({cells}\\n){{1,100}}$"
