"""Request and response bodies of `/predict` (own format) and `/invocations` (MLflow's format)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from airflow_mlcraft.serving.http.batching import InferenceResult
from airflow_mlcraft.serving.http.errors import RequestError, malformed_body, signature_mismatch
from airflow_mlcraft.serving.model.state import ServedModel
from airflow_mlcraft.serving.model.tables import Table

ResponseBody = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """The rows of a request, whether probabilities are wanted, and how to build the response body."""

    table: Table
    probabilities: bool
    build_response: Callable[[InferenceResult], ResponseBody]


def parse_predict(served: ServedModel, body: bytes, content_type: str, query: bytes) -> InferenceRequest:
    """The request of `/predict`: records, columns or CSV. `?probabilities=true` adds probabilities to the response."""
    probabilities = _parse_flag(query, "probabilities")
    if content_type == "text/csv":
        table = served.reader.read_csv(body)
    else:
        payload = parse_json_body(body, content_type)
        if type(payload) is list:
            table = served.reader.read_records(payload)
        else:
            name = _get_only_key(payload, ("records", "columns"))
            table = (
                served.reader.read_records(payload[name])
                if name == "records"
                else served.reader.read_columns(payload[name])
            )

    def build_response(result: InferenceResult) -> ResponseBody:
        response: ResponseBody = {"predictions": result.predictions.tolist(), "model": served.version}
        if result.probabilities is not None:
            response["probabilities"] = result.probabilities.tolist()
            response["classes"] = served.predictor.classes
        return response

    return InferenceRequest(table, probabilities, build_response)


def parse_invocations(served: ServedModel, body: bytes, content_type: str, query: bytes) -> InferenceRequest:
    """The request of `/invocations`, in the formats of MLflow's scoring server."""
    if content_type == "text/csv":
        table, method = served.reader.read_csv(body), "predict"
    else:
        payload = parse_json_body(body, content_type)
        method = _parse_method(payload.pop("params", None)) if isinstance(payload, dict) else "predict"
        name = _get_only_key(payload, tuple(_MLFLOW_PARSERS))
        table = _MLFLOW_PARSERS[name](served, payload[name])
    probabilities = method == "predict_proba"

    def build_response(result: InferenceResult) -> ResponseBody:
        values = result.probabilities if result.probabilities is not None else result.predictions
        return {"predictions": values.tolist()}

    return InferenceRequest(table, probabilities, build_response)


def _parse_dataframe_split(served: ServedModel, payload: Any) -> Table:
    if not isinstance(payload, dict):
        raise signature_mismatch("dataframe_split is no object; expected one with data and columns")
    if unknown := set(payload) - {"columns", "index", "data"}:
        raise signature_mismatch(
            f"dataframe_split has {sorted(unknown)[0]!r}; expected data and columns, and perhaps index"
        )
    names = payload.get("columns", list(served.signature.names))
    return served.reader.read_matrix(payload.get("data"), names)


def _parse_rows(served: ServedModel, payload: Any) -> Table:
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        return served.reader.read_records(payload)
    return served.reader.read_matrix(payload, list(served.signature.names))


def _parse_inputs(served: ServedModel, payload: Any) -> Table:
    return served.reader.read_columns(payload) if isinstance(payload, dict) else _parse_rows(served, payload)


_MLFLOW_PARSERS: dict[str, Callable[[ServedModel, Any], Table]] = {
    "dataframe_split": _parse_dataframe_split,
    "dataframe_records": lambda served, payload: served.reader.read_records(payload),
    "inputs": _parse_inputs,
    "instances": _parse_rows,
}


def _parse_method(params: Any) -> str:
    if params is None:
        return "predict"
    if not isinstance(params, dict) or set(params) - {"method"}:
        raise signature_mismatch("params may only name a method")
    method = params.get("method", "predict")
    if method not in ("predict", "predict_proba"):
        raise signature_mismatch("the method in params is unknown; expected predict or predict_proba")
    return str(method)


def parse_json_body(body: bytes, content_type: str) -> Any:
    """The JSON object or list in a body; raises RequestError for another type, malformed JSON or a single value."""
    if content_type != "application/json":
        raise RequestError(
            415, f"the body is {content_type or 'of no stated type'}; expected application/json or text/csv"
        )
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed_body(f"The body is not JSON: {error}") from None
    except RecursionError:
        raise malformed_body("The body is nested too deep") from None
    if not isinstance(payload, (dict, list)):
        raise signature_mismatch("the body is a single value; expected an object")
    return payload


def _get_only_key(payload: Any, names: tuple[str, ...]) -> str:
    expected = f"expected an object with one of {', '.join(names)}"
    if not isinstance(payload, Mapping):
        raise signature_mismatch(f"the body is a list; {expected}")
    present: list[str] = [name for name in payload if name in names]
    if unknown := [name for name in payload if name not in names]:
        raise signature_mismatch(f"the body has {unknown[0]!r}; {expected}")
    if len(present) != 1:
        raise signature_mismatch(f"the body has {' and '.join(present) or 'none of them'}; {expected}")
    return present[0]


def _parse_flag(query: bytes, name: str) -> bool:
    if not query:
        return False
    values = [value for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if key == name]
    if not values:
        return False
    if len(values) > 1 or values[0] not in ("true", "false"):
        raise RequestError(422, f"{name} in the query is {values[-1]!r}; expected true or false")
    return values[0] == "true"
