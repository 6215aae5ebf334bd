"""The bodies that a client may send, and how each is answered: our own format, and MLflow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from airflow_mlcraft.serving.http.batching import Said
from airflow_mlcraft.serving.http.errors import Refusal, malformed, mismatch
from airflow_mlcraft.serving.model.state import Served
from airflow_mlcraft.serving.model.tables import Table

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """The rows of a request, and how to word the answer."""

    table: Table
    probabilities: bool
    word: Callable[[Said], Answer]


def predict(served: Served, body: bytes, content_type: str, query: bytes) -> Question:
    """Our own format: records, columns, or CSV; `?probabilities=true` asks for these as well."""
    probabilities = _flag(query, "probabilities")
    if content_type == "text/csv":
        table = served.reader.csv(body)
    else:
        given = json_body(body, content_type)
        if type(given) is list:
            table = served.reader.records(given)
        else:
            name = _only_key(given, ("records", "columns"))
            table = served.reader.records(given[name]) if name == "records" else served.reader.columns(given[name])

    def word(said: Said) -> Answer:
        answer: Answer = {"predictions": said.predictions.tolist(), "model": served.version}
        if said.probabilities is not None:
            answer["probabilities"] = said.probabilities.tolist()
            answer["classes"] = served.predictor.classes
        return answer

    return Question(table, probabilities, word)


def invocations(served: Served, body: bytes, content_type: str, query: bytes) -> Question:
    """What a scoring server of MLflow takes and gives."""
    if content_type == "text/csv":
        table, method = served.reader.csv(body), "predict"
    else:
        given = json_body(body, content_type)
        method = _method(given.pop("params", None)) if isinstance(given, dict) else "predict"
        name = _only_key(given, tuple(_MLFLOW))
        table = _MLFLOW[name](served, given[name])
    wanted = method == "predict_proba"

    def word(said: Said) -> Answer:
        found = said.probabilities if said.probabilities is not None else said.predictions
        return {"predictions": found.tolist()}

    return Question(table, wanted, word)


def _split(served: Served, given: Any) -> Table:
    if not isinstance(given, dict):
        raise mismatch("dataframe_split is no object; expected one with data and columns")
    if unknown := set(given) - {"columns", "index", "data"}:
        raise mismatch(f"dataframe_split has {sorted(unknown)[0]!r}; expected data and columns, and perhaps index")
    names = given.get("columns", list(served.signature.names))
    return served.reader.matrix(given.get("data"), names)


def _rows(served: Served, given: Any) -> Table:
    if isinstance(given, list) and given and isinstance(given[0], dict):
        return served.reader.records(given)
    return served.reader.matrix(given, list(served.signature.names))


def _inputs(served: Served, given: Any) -> Table:
    return served.reader.columns(given) if isinstance(given, dict) else _rows(served, given)


_MLFLOW: dict[str, Callable[[Served, Any], Table]] = {
    "dataframe_split": _split,
    "dataframe_records": lambda served, given: served.reader.records(given),
    "inputs": _inputs,
    "instances": _rows,
}


def _method(params: Any) -> str:
    if params is None:
        return "predict"
    if not isinstance(params, dict) or set(params) - {"method"}:
        raise mismatch("params may only name a method")
    method = params.get("method", "predict")
    if method not in ("predict", "predict_proba"):
        raise mismatch("the method in params is unknown; expected predict or predict_proba")
    return str(method)


def json_body(body: bytes, content_type: str) -> Any:
    """A JSON object or list."""
    if content_type != "application/json":
        raise Refusal(415, f"the body is {content_type or 'of no stated type'}; expected application/json or text/csv")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"The body is not JSON: {error}") from None
    except RecursionError:
        raise malformed("The body is nested too deep") from None
    if not isinstance(given, (dict, list)):
        raise mismatch("the body is a single value; expected an object")
    return given


def _only_key(given: Any, names: tuple[str, ...]) -> str:
    expected = f"expected an object with one of {', '.join(names)}"
    if not isinstance(given, Mapping):
        raise mismatch(f"the body is a list; {expected}")
    found: list[str] = [name for name in given if name in names]
    if unknown := [name for name in given if name not in names]:
        raise mismatch(f"the body has {unknown[0]!r}; {expected}")
    if len(found) != 1:
        raise mismatch(f"the body has {' and '.join(found) or 'none of them'}; {expected}")
    return found[0]


def _flag(query: bytes, name: str) -> bool:
    if not query:
        return False
    given = [value for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if key == name]
    if not given:
        return False
    if len(given) > 1 or given[0] not in ("true", "false"):
        raise Refusal(422, f"{name} in the query is {given[-1]!r}; expected true or false")
    return given[0] == "true"
