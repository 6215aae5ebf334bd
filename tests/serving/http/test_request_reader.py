"""Requests that do not match the signature: status, message, column and row of the error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.conftest import LiveServer
from tests.serving.models import NAMES, ROW

PERSON = {"age": 30, "income": 1.5, "city": "Bern", "member": True, "job": "cook"}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        ('{"records": [{"a": NaN}]}', 400, "not JSON"),
        ("", 400, "not JSON"),
        ("[" * 5000, 400, "JSON"),
        ("3", 422, "single value"),
        ({}, 422, "records, columns"),
        ({"rows": []}, 422, "'rows'"),
        ({"records": []}, 422, "at least one row"),
        ({"records": 3}, 422, "expected a list"),
        ({"records": [3]}, 422, "row 0 is 3"),
        ({"records": [ROW, {}]}, 422, "'sepal length (cm)' is missing in row 1"),
        ({"records": [ROW | {"colour": "blue"}]}, 422, "no column 'colour'"),
        ({"records": [ROW | {NAMES[1]: "wide"}]}, 422, "is 'wide'; expected a number"),
        ({"records": [ROW | {NAMES[1]: True}]}, 422, "is true; expected a number"),
        ({"records": [ROW | {NAMES[1]: [1]}]}, 422, "is a list; expected a number"),
        ({"records": [ROW | {NAMES[1]: 1e200}]}, 422, "beyond"),
        ({"records": [ROW], "columns": {}}, 422, "records and columns"),
        ({"columns": {name: [1, 2] for name in NAMES[:3]}}, 422, "'petal width (cm)' is missing"),
        ({"columns": {name: [1] * (1 + (name == NAMES[3])) for name in NAMES}}, 422, "columns of one length"),
        ({"columns": dict.fromkeys(NAMES, 3)}, 422, "expected a list of values"),
        ({"columns": {name: [] for name in NAMES}}, 422, "at least one row"),
    ],
)
def test_invalid_predict_bodies(body: Any, status: int, words: str, iris: LiveServer) -> None:
    answer = iris.post("/predict", body, headers={"Content-Type": "application/json"})
    assert answer.status == status
    assert words in answer.json["error"]
    assert answer.json["request_id"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"age": 30.5}, "'age' in row 0 is 30.5; expected a whole number"),
        ({"age": 2**64}, "'age' in row 0"),
        ({"member": None}, "'member' in row 0 is null"),
        ({"member": 1}, "expected true or false"),
        ({"city": 7}, "expected text"),
    ],
)
def test_invalid_values(change: dict[str, Any], words: str, people_server: LiveServer) -> None:
    answer = people_server.post("/predict", {"records": [PERSON | change]})
    assert answer.status == 422
    assert words in answer.json["error"]
    assert answer.json["column"] == next(iter(change))
    assert answer.json["row"] == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "empty"),
        (b"\xff", 400, "UTF-8"),
        ('"a', 400, "not CSV"),
        ("age,age\n1,2", 422, "there twice"),
        ("age\n1", 422, "'city' is missing"),
        ("age,income,city,member,job", 422, "at least one row"),
        ("age,income,city,member,job\n1,2", 422, "row 0 has 2 cells"),
        ("age,income,city,member,job\n1_0,2,x,true,y", 422, "'1_0'"),
        ("age,income,city,member,job\n1,inf,x,true,y", 422, "'inf'"),
        ("age,income,city,member,job\n1,1e999,x,true,y", 422, "beyond"),
        ("age,income,city,member,job\n1e400,1,x,true,y", 422, "'age'"),
        ("age,income,city,member,job\n1,1,x,perhaps,y", 422, "'perhaps'"),
    ],
)
def test_invalid_csv(body: Any, status: int, words: str, people_server: LiveServer) -> None:
    answer = people_server.post("/predict", body, headers={"Content-Type": "text/csv"})
    assert answer.status == status, answer.text
    assert words in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([ROW], "a list"),
        ({"dataframe_split": 3}, "no object"),
        ({"dataframe_split": {"columns": NAMES}}, "rows is null"),
        ({"dataframe_split": {"columns": NAMES, "data": [[1]]}}, "row 0 has 1 values; expected 4"),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "list of text"),
        ({"dataframe_split": {"columns": NAMES[:1] * 2, "data": [[1, 2]]}}, "there twice"),
        ({"dataframe_split": {"data": [[1, 2, 3, 4]], "x": 1}}, "'x'"),
        ({"instances": [1, 2, 3, 4]}, "expected a list of 4 values"),
        ({"inputs": 5}, "expected a list"),
        ({"inputs": [[1, 2, 3, 4]], "params": 1}, "params"),
        ({"inputs": [[1, 2, 3, 4]], "params": {"method": "fit"}}, "method"),
    ],
)
def test_invalid_invocations_bodies(body: Any, words: str, iris: LiveServer) -> None:
    answer = iris.post("/invocations", body)
    assert answer.status == 422, answer.text
    assert words in answer.json["error"]


def _tensor(**change: Any) -> dict[str, Any]:
    return {"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]} | change


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "no inputs"),
        ({"inputs": [], "id": "1"}, "no inputs"),
        ({"inputs": [3]}, "no name"),
        ({"inputs": [_tensor()], "id": 1}, "no text"),
        ({"inputs": [_tensor()], "what": 1}, "'what'"),
        ({"inputs": [_tensor(shape=[1, 3])]}, "asks for 3"),
        ({"inputs": [_tensor(shape=[4])]}, "expected 4"),
        ({"inputs": [_tensor(shape=[0, 4])]}, "no shape"),
        ({"inputs": [_tensor(shape=[1, True])]}, "no shape"),
        ({"inputs": [_tensor(datatype=["FP64"])]}, "datatype"),
        ({"inputs": [_tensor(data=None)]}, "no data"),
        ({"inputs": [_tensor(data=[[1, 2, 3]])]}, "rows that are not"),
        ({"inputs": [_tensor(data=["a", 2, 3, 4])]}, "expected a number"),
        ({"inputs": [_tensor(name=NAMES[0], shape=[1], data=[1])]}, "is missing"),
        ({"inputs": [_tensor(name=NAMES[0])]}, "one column"),
        ({"inputs": [_tensor(name=NAMES[0], shape=[1], data=[1])] * 2}, "there twice"),
        ({"inputs": [_tensor()], "outputs": [{"name": "x"}]}, "no output 'x'"),
        ({"inputs": [_tensor()], "outputs": 1}, "no list"),
        ({"inputs": [_tensor()], "outputs": [{"name": "predict"}] * 2}, "same one twice"),
    ],
)
def test_invalid_infer_bodies(body: Any, words: str, iris: LiveServer) -> None:
    answer = iris.post("/v2/models/iris/infer", body)
    assert answer.status == 422, answer.text
    assert words in answer.json["error"]


def test_unsupported_content_types(iris: LiveServer) -> None:
    for sent in ("text/plain", "application/xml", ""):
        assert iris.post("/predict", b"x", headers={"Content-Type": sent}).status == 415


def test_an_invalid_query_flag(iris: LiveServer) -> None:
    assert iris.post("/predict?probabilities=maybe", [ROW]).status == 422
