"""The Open Inference Protocol (V2): inference requests, with a tensor per column or one matrix, and model metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_mlcraft.serving.http.batching import InferenceResult
from airflow_mlcraft.serving.http.errors import signature_mismatch
from airflow_mlcraft.serving.http.formats import InferenceRequest, ResponseBody, parse_json_body
from airflow_mlcraft.serving.model.signature import Column
from airflow_mlcraft.serving.model.state import ServedModel

_DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
    "datetime": "BYTES",
}
_NUMERIC_DATATYPES = frozenset(
    ("FP64", "FP32", "FP16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
)
_DATATYPE_OF_KIND = {"f": "FP64", "i": "INT64", "u": "UINT64", "b": "BOOL"}
_TENSOR_FIELDS = frozenset(("name", "shape", "datatype", "data", "parameters"))
_MATRIX_DIMENSIONS = 2
_OUTPUT_NAMES = ("predict", "predict_proba")


def parse_infer(served: ServedModel, body: bytes, content_type: str, _: bytes) -> InferenceRequest:
    """The request of `/v2/models/NAME/infer`."""
    payload = parse_json_body(body, content_type)
    if not isinstance(payload, dict) or not isinstance(payload.get("inputs"), list) or not payload["inputs"]:
        raise signature_mismatch("the body has no inputs; expected a list of tensors")
    if unknown := set(payload) - {"id", "inputs", "outputs", "parameters"}:
        raise signature_mismatch(f"the body has {sorted(unknown)[0]!r}; expected id, inputs, outputs and parameters")
    request_id = payload.get("id")
    if "id" in payload and not isinstance(request_id, str):
        raise signature_mismatch("the id is no text")
    output_names = _parse_outputs(payload["outputs"]) if "outputs" in payload else _OUTPUT_NAMES[:1]
    tensors = [_parse_tensor(tensor) for tensor in payload["inputs"]]
    if len(tensors) == 1 and (tensors[0]["name"] not in served.signature.names):
        tensor = tensors[0]
        width = tensor["shape"][1] if len(tensor["shape"]) == _MATRIX_DIMENSIONS else 1
        table = served.reader.read_matrix(_reshape_rows(tensor["data"], width), list(served.signature.names))
    else:
        columns: dict[str, Any] = {}
        for tensor in tensors:
            if tensor["name"] in columns:
                raise signature_mismatch(f"the input {tensor['name']!r} is there twice", column=tensor["name"])
            if len(tensor["shape"]) == _MATRIX_DIMENSIONS and tensor["shape"][1] != 1:
                raise signature_mismatch(
                    f"the input {tensor['name']!r} has the shape {tensor['shape']}; expected one column",
                    column=tensor["name"],
                )
            columns[tensor["name"]] = tensor["data"]
        table = served.reader.read_columns(columns)

    def build_response(result: InferenceResult) -> ResponseBody:
        outputs_by_name = {"predict": result.predictions, "predict_proba": result.probabilities}
        response: ResponseBody = {"model_name": served.name, "model_version": served.version}
        if request_id is not None:
            response["id"] = request_id
        response["outputs"] = [
            {
                "name": name,
                "shape": list(outputs_by_name[name].shape),
                "datatype": _DATATYPE_OF_KIND.get(outputs_by_name[name].dtype.kind, "BYTES"),
                "data": outputs_by_name[name].ravel().tolist(),
            }
            for name in output_names
        ]
        return response

    return InferenceRequest(table, "predict_proba" in output_names, build_response)


def build_metadata(served: ServedModel) -> dict[str, Any]:
    """The model metadata of the protocol."""
    outputs: list[dict[str, Any]] = [{"name": "predict", "datatype": _get_output_datatype(served), "shape": [-1]}]
    if served.predictor.has_probabilities:
        width = len(served.predictor.classes or ())
        outputs.append({"name": "predict_proba", "datatype": "FP64", "shape": [-1, width]})
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": "sklearn",
        "inputs": [
            {"name": column.name, "datatype": to_datatype(column), "shape": [-1]} for column in served.signature.columns
        ],
        "outputs": outputs,
    }


def to_datatype(column: Column) -> str:
    """The tensor datatype of a column."""
    return _DATATYPES[column.type]


def _get_output_datatype(served: ServedModel) -> str:
    example = served.predictor.predict(served.predictor.example.rows(0, 1))
    return _DATATYPE_OF_KIND.get(example.dtype.kind, "BYTES")


def _parse_outputs(payload: Any) -> Sequence[str]:
    if not isinstance(payload, list) or not payload:
        raise signature_mismatch("outputs is no list of outputs")
    names: list[Any] = [output.get("name") if isinstance(output, dict) else None for output in payload]
    for name in names:
        if name not in _OUTPUT_NAMES:
            raise signature_mismatch(f"there is no output {name!r}; there are {' and '.join(_OUTPUT_NAMES)}")
    if len(set(names)) != len(names):
        raise signature_mismatch("outputs names the same one twice")
    return names


def _parse_tensor(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict) or not isinstance(payload.get("name"), str):
        raise signature_mismatch("an input has no name; expected tensors with name, shape, datatype and data")
    name = payload["name"]
    if unknown := set(payload) - _TENSOR_FIELDS:
        raise signature_mismatch(
            f"the input {name!r} has {sorted(unknown)[0]!r}; expected {', '.join(sorted(_TENSOR_FIELDS))}", column=name
        )
    shape = payload.get("shape")
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MATRIX_DIMENSIONS
        or not all(type(size) is int and size >= 1 for size in shape)
    ):
        raise signature_mismatch(f"the input {name!r} has no shape of one or two sizes", column=name)
    if not isinstance(payload.get("datatype"), str) or payload["datatype"] not in _NUMERIC_DATATYPES | {
        "BOOL",
        "BYTES",
    }:
        raise signature_mismatch(
            f"the input {name!r} has the datatype {payload.get('datatype')!r}; "
            f"expected one of {', '.join(sorted(_NUMERIC_DATATYPES | {'BOOL', 'BYTES'}))}",
            column=name,
        )
    data = payload.get("data")
    if not isinstance(data, list):
        raise signature_mismatch(f"the input {name!r} has no data", column=name)
    if len(shape) == _MATRIX_DIMENSIONS and data and all(type(row) is list for row in data):
        if any(len(row) != shape[1] for row in data):
            raise signature_mismatch(
                f"the input {name!r} has rows that are not of the {shape[1]} values of its shape", column=name
            )
        data = [value for row in data for value in row]
    size = shape[0] * (shape[1] if len(shape) == _MATRIX_DIMENSIONS else 1)
    if len(data) != size:
        raise signature_mismatch(
            f"the input {name!r} has {len(data)} values; its shape {shape} asks for {size}", column=name
        )
    return {"name": name, "shape": shape, "data": data}


def _reshape_rows(data: list[Any], width: int) -> list[list[Any]]:
    return [data[start : start + width] for start in range(0, len(data), width)]
