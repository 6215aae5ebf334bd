"""All endpoints of a server with two workers."""

from __future__ import annotations

import re

from tests.serving.conftest import LiveServer, wait_until
from tests.serving.models import NAMES, OTHER, ROW
from tests.serving.models import iris as irises

CSV = "petal width (cm),sepal length (cm),sepal width (cm),petal length (cm)\r\n0.2,5.1,3.5,1.4\n2.3,6.7,3,5.2\n"


def test_records(iris: LiveServer) -> None:
    answer = iris.post("/predict", {"records": [ROW, OTHER]})
    assert answer.status == 200
    assert answer.json["predictions"] == [0, 2]
    assert re.fullmatch(r"[0-9a-f]{12}", answer.json["model"])


def test_a_bare_list_of_records(iris: LiveServer) -> None:
    assert iris.post("/predict", [ROW]).json["predictions"] == [0]


def test_columns(iris: LiveServer) -> None:
    columns = {name: [ROW[name], OTHER[name]] for name in NAMES}
    assert iris.post("/predict", {"columns": columns}).json["predictions"] == [0, 2]


def test_csv(iris: LiveServer) -> None:
    answer = iris.post("/predict", CSV, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert answer.json["predictions"] == [0, 2]


def test_probabilities(iris: LiveServer) -> None:
    answer = iris.post("/predict?probabilities=true", {"records": [ROW]}).json
    assert answer["classes"] == [0, 1, 2]
    assert [round(sum(row), 9) for row in answer["probabilities"]] == [1.0]


def test_many_rows_at_once(iris: LiveServer) -> None:
    frame = irises()[0].head(100)
    answer = iris.post("/predict", {"records": frame.to_dict(orient="records")})
    assert len(answer.json["predictions"]) == len(frame)


def test_the_formats_of_mlflow(iris: LiveServer) -> None:
    rows = [list(ROW.values()), list(OTHER.values())]
    backwards = {"columns": NAMES[::-1], "index": [7, 8], "data": [row[::-1] for row in rows]}
    for body in (
        {"dataframe_split": {"columns": NAMES, "data": rows}},
        {"dataframe_split": backwards},
        {"dataframe_records": [ROW, OTHER]},
        {"inputs": {name: [ROW[name], OTHER[name]] for name in NAMES}},
        {"inputs": rows},
        {"instances": rows},
        {"instances": [ROW, OTHER]},
    ):
        answer = iris.post("/invocations", body)
        assert (answer.status, answer.text) == (200, '{"predictions":[0,2]}')
    assert iris.post("/invocations", CSV, headers={"Content-Type": "text/csv"}).json == {"predictions": [0, 2]}


def test_a_method_in_the_params_of_mlflow(iris: LiveServer) -> None:
    body = {"dataframe_records": [ROW], "params": {"method": "predict_proba"}}
    assert len(iris.post("/invocations", body).json["predictions"][0]) == 3


def test_the_inference_protocol(iris: LiveServer) -> None:
    assert iris.get("/v2").json["name"] == "mlcraft"
    assert iris.get("/v2/health/live").json == {"live": True}
    assert iris.get("/v2/health/ready").status == 200
    assert iris.get("/v2/models/iris/ready").json["ready"]
    described = iris.get("/v2/models/iris").json
    assert described["inputs"][0] == {"name": NAMES[0], "datatype": "FP64", "shape": [-1]}
    assert [output["name"] for output in described["outputs"]] == ["predict", "predict_proba"]
    tensors = [{"name": name, "shape": [2], "datatype": "FP64", "data": [ROW[name], OTHER[name]]} for name in NAMES]
    answer = iris.post("/v2/models/iris/infer", {"id": "7", "inputs": tensors}).json
    assert (answer["id"], answer["model_name"]) == ("7", "iris")
    assert answer["outputs"] == [{"name": "predict", "shape": [2], "datatype": "INT64", "data": [0, 2]}]
    matrix = {"name": "rows", "shape": [2, 4], "datatype": "FP64", "data": [*ROW.values(), *OTHER.values()]}
    wanted = [{"name": "predict_proba"}]
    answer = iris.post("/v2/models/iris/infer", {"inputs": [matrix], "outputs": wanted}).json
    assert answer["outputs"][0]["shape"] == [2, 3]
    assert iris.post("/v2/models/other/infer", {"inputs": [matrix]}).status == 404


def test_model_metadata(iris: LiveServer) -> None:
    found = iris.get("/model").json
    assert found["name"] == "iris"
    assert found["content"].startswith(found["version"])
    assert [column["name"] for column in found["columns"]] == NAMES
    assert found["classes"] == [0, 1, 2]


def test_health(iris: LiveServer) -> None:
    assert iris.get("/health/live").json == {"live": True}
    found = iris.get("/health")
    assert (found.status, found.json["ready"]) == (200, True)


def test_metrics_of_all_workers_add_up(iris: LiveServer) -> None:
    before = iris.get("/predictions_count").json
    for _ in range(40):
        assert iris.post("/predict", {"records": [ROW, OTHER]}).status == 200
    after = iris.get("/predictions_count").json
    assert after["predictions"] - before["predictions"] == 80
    assert after["classes"]["2"] - before["classes"].get("2", 0) == 40
    metrics = iris.get("/metrics").text
    counted = re.search(r'mlcraft_predictions_total\{model="[0-9a-f]{12}"\} (\S+)', metrics)
    assert counted is not None
    assert float(counted[1]) == after["predictions"]
    assert re.search(r'mlcraft_model\{model="[0-9a-f]{12}",name="iris"\} 1.0', metrics)
    assert 'mlcraft_requests_total{endpoint="/predict",status="200"}' in metrics
    assert "mlcraft_request_seconds_bucket" in metrics
    # A worker counts the request before off only after it has answered.
    wait_until(lambda: "mlcraft_requests_in_flight 1.0" in iris.get("/metrics").text)


def test_latency(iris: LiveServer) -> None:
    iris.post("/predict", {"records": [ROW]})
    found = iris.get("/latency").json
    assert 0 < found["p50"] <= found["p90"] <= found["p99"]
    assert found["requests"] >= 1
    assert len(found["seconds"]) == found["window"] == 60
    assert sum(second["requests"] for second in found["seconds"]) == found["requests"]


def test_the_page(iris: LiveServer) -> None:
    page = iris.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    linked = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    assert linked
    for path in linked:
        assert iris.get(path).status == 200


def test_request_ids(iris: LiveServer) -> None:
    own = iris.get("/health").headers["x-request-id"]
    assert own != iris.get("/health").headers["x-request-id"]
    given = iris.post("/predict", {"records": [{}]}, headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == given.json["request_id"] == "abc-1"
    assert iris.get("/health", headers={"X-Request-ID": "a b\u00e9"}).headers["x-request-id"] not in ("a b", "")


def test_unknown_paths_and_methods(iris: LiveServer) -> None:
    assert iris.get("/nothing").status == 404
    assert iris.get("/nothing").json["error"]
    refused = iris.get("/predict")
    assert (refused.status, refused.headers["allow"]) == (405, "POST")
    assert iris.send_request("DELETE", "/model").status == 405


def test_values_of_every_kind(people_server: LiveServer) -> None:
    row = {"age": 30, "income": None, "city": "Bern", "member": True, "job": None}
    unknown = {"age": 70.0, "income": 1e4, "city": "Rome", "member": False, "job": "cook"}
    answer = people_server.post("/predict", {"records": [row, unknown]})
    assert answer.status == 200, answer.text
    assert set(answer.json["predictions"]) <= {"yes", "no"}
    left_out = {name: value for name, value in row.items() if name not in ("income", "job")}
    assert people_server.post("/predict", {"records": [left_out]}).json["predictions"] == answer.json["predictions"][:1]
    csv = "age,income,city,member,job\n30,,Bern,true,\n70,1e4,Rome,false,cook\n"
    assert people_server.post("/predict", csv, headers={"Content-Type": "text/csv"}).json == answer.json
