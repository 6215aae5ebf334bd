"""The Open Inference Protocol, version 2: tensors by column, or one matrix with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlcraft.serving.http.batching import Said
from airflow_mlcraft.serving.http.errors import mismatch
from airflow_mlcraft.serving.http.formats import Answer, Question, json_body
from airflow_mlcraft.serving.model.signature import Column
from airflow_mlcraft.serving.model.state import Served

_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
    "datetime": "BYTES",
}
_NUMBERS = frozenset(("FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"))
_DATATYPE_OF_KIND = {"f": "FP64", "i": "INT64", "u": "UINT64", "b": "BOOL"}
_FIELDS = frozenset(("name", "shape", "datatype", "data", "parameters"))
_MATRIX = 2
_OUTPUTS = ("predict", "predict_proba")


def infer(served: Served, body: bytes, content_type: str, _: bytes) -> Question:
    """One question of the protocol."""
    given = json_body(body, content_type)
    if not isinstance(given, dict) or not isinstance(given.get("inputs"), list) or not given["inputs"]:
        raise mismatch("the body has no inputs; expected a list of tensors")
    if unknown := set(given) - {"id", "inputs", "outputs", "parameters"}:
        raise mismatch(f"the body has {sorted(unknown)[0]!r}; expected id, inputs, outputs and parameters")
    identity = given.get("id")
    if "id" in given and not isinstance(identity, str):
        raise mismatch("the id is no text")
    wanted = _outputs(given["outputs"]) if "outputs" in given else _OUTPUTS[:1]
    tensors = [_tensor(tensor) for tensor in given["inputs"]]
    if len(tensors) == 1 and (tensors[0]["name"] not in served.signature.names):
        tensor = tensors[0]
        width = tensor["shape"][1] if len(tensor["shape"]) == _MATRIX else 1
        table = served.reader.matrix(_rows(tensor["data"], width), list(served.signature.names))
    else:
        columns: dict[str, Any] = {}
        for tensor in tensors:
            if tensor["name"] in columns:
                raise mismatch(f"the input {tensor['name']!r} is there twice", column=tensor["name"])
            if len(tensor["shape"]) == _MATRIX and tensor["shape"][1] != 1:
                raise mismatch(
                    f"the input {tensor['name']!r} has the shape {tensor['shape']}; expected one column",
                    column=tensor["name"],
                )
            columns[tensor["name"]] = tensor["data"]
        table = served.reader.columns(columns)

    def word(said: Said) -> Answer:
        made = {"predict": said.predictions, "predict_proba": said.probabilities}
        answer: Answer = {"model_name": served.name, "model_version": served.version}
        if identity is not None:
            answer["id"] = identity
        answer["outputs"] = [
            {
                "name": name,
                "shape": list(made[name].shape),
                "datatype": _DATATYPE_OF_KIND.get(made[name].dtype.kind, "BYTES"),
                "data": made[name].ravel().tolist(),
            }
            for name in wanted
        ]
        return answer

    return Question(table, "predict_proba" in wanted, word)


def metadata(served: Served) -> dict[str, Any]:
    """What the protocol says about a model."""
    outputs: list[dict[str, Any]] = [{"name": "predict", "datatype": _output_datatype(served), "shape": [-1]}]
    if served.predictor.has_probabilities:
        width = len(served.predictor.classes or ())
        outputs.append({"name": "predict_proba", "datatype": "FP64", "shape": [-1, width]})
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "sklearn",
        "inputs": [
            {"name": column.name, "datatype": datatype(column), "shape": [-1]} for column in served.signature.columns
        ],
        "outputs": outputs,
    }


def datatype(column: Column) -> str:
    """The protocol's word for a column's type."""
    return _DATATYPES[column.type]


def _output_datatype(served: Served) -> str:
    example = served.predictor.predict(served.predictor.example.rows(0, 1))
    return _DATATYPE_OF_KIND.get(example.dtype.kind, "BYTES")


def _outputs(given: Any) -> Sequence[str]:
    if not isinstance(given, list) or not given:
        raise mismatch("outputs is no list of outputs")
    names: list[Any] = [output.get("name") if isinstance(output, dict) else None for output in given]
    for name in names:
        if name not in _OUTPUTS:
            raise mismatch(f"there is no output {name!r}; there are {' and '.join(_OUTPUTS)}")
    if len(set(names)) != len(names):
        raise mismatch("outputs names the same one twice")
    return names


def _tensor(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise mismatch("an input has no name; expected tensors with name, shape, datatype and data")
    name = given["name"]
    if unknown := set(given) - _FIELDS:
        raise mismatch(
            f"the input {name!r} has {sorted(unknown)[0]!r}; expected {', '.join(sorted(_FIELDS))}", column=name
        )
    shape = given.get("shape")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MATRIX
        or not all(type(size) is int and size >= 1 for size in shape)
    ):
        raise mismatch(f"the input {name!r} has no shape of one or two sizes", column=name)
    if not isinstance(given.get("datatype"), str) or given["datatype"] not in _NUMBERS | {"BOOL", "BYTES"}:
        raise mismatch(
            f"the input {name!r} has the datatype {given.get('datatype')!r}; "
            f"expected one of {', '.join(sorted(_NUMBERS | {'BOOL', 'BYTES'}))}",
            column=name,
        )
    data = given.get("data")
    if not isinstance(data, list):
        raise mismatch(f"the input {name!r} has no data", column=name)
    if len(shape) == _MATRIX and data and all(type(row) is list for row in data):
        if any(len(row) != shape[1] for row in data):
            raise mismatch(
                f"the input {name!r} has rows that are not of the {shape[1]} values of its shape", column=name
            )
        data = [value for row in data for value in row]
    size = shape[0] * (shape[1] if len(shape) == _MATRIX else 1)
    if len(data) != size:
        raise mismatch(f"the input {name!r} has {len(data)} values; its shape {shape} asks for {size}", column=name)
    return {"name": name, "shape": shape, "data": data}


def _rows(data: list[Any], width: int) -> list[list[Any]]:
    return [data[start : start + width] for start in range(0, len(data), width)]
