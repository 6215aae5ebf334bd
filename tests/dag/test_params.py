from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import ParamValidationError
from airflow.sdk import DAG
from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.definitions.param import process_params

from airflow_mlcraft import CwlDag
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.cwl.plan import Port, Workflow
from airflow_mlcraft.dag.params import build_params
from airflow_mlcraft.errors import InputError

pytestmark = pytest.mark.every_airflow

DagSerialization = dag_serialization()

# What the server answers with a 400: Airflow 3.2 raises a ValueError.
REFUSED = (ParamValidationError, ValueError)

CWL = Path(__file__).parents[2] / "cwl"

FILE = {
    "class": "File",
    "location": "s3://bucket/a.csv",
    "secondaryFiles": [{"class": "File", "path": "a.csv.idx"}],
}
LITERAL = {"class": "File", "contents": "x", "basename": "x.txt"}
FOLDER = {"class": "Directory", "path": "data"}
COLOURS = {"type": "enum", "symbols": ["file:///t.cwl#main/colour/red", "colours.cwl#colour/green", "blue"]}
RECORD = {
    "type": "record",
    "name": "main/pair",
    "fields": [
        {"name": "file:///t.cwl#pair/left", "type": "int"},
        {"name": "right", "type": ["null", "File"]},
    ],
}


def array_of(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def dag_of(*ports: Port) -> DAG:
    return DAG("d", schedule=None, params=build_params(Workflow("main", inputs=ports)))


def serialize_params(*ports: Port) -> Any:
    """The params as the server has them: through JSON and back."""
    data = json.loads(json.dumps(DagSerialization.to_dict(dag_of(*ports))))
    return DagSerialization.from_dict(data).params


def validate_conf(port: Port, **conf: Any) -> Any:
    """What the server does with a trigger's conf."""
    params = serialize_params(port)
    if not hasattr(params, "deep_merge"):
        # Airflow 3.1 and 3.2 change the params in place.
        params.update(conf)
        return params.validate()
    return params.deep_merge(conf).validate()


def is_valid_in_form(port: Port, value: Any) -> bool:
    """Whether a value is what the form's field is for."""
    schema = serialize_params(port).get_param("x").schema
    own = {key: item for key, item in schema.items() if key not in ("$ref", "$schema", "definitions")}
    return jsonschema.Draft7Validator(own).is_valid(value)


# type, values that it takes, values that it refuses (null apart: no type takes it unless it says so)
TABLE: list[tuple[Any, list[Any], list[Any]]] = [
    ("string", ["", "x", "a\nb"], [1, True, ["x"], {}]),
    ("boolean", [True, False], ["true", 0]),
    ("int", [0, 2**31 - 1, -(2**31)], [2**31, 1.5, "1", -(2**31) - 1]),
    ("long", [2**31, 2**63 - 1, -(2**63)], [2**63, 0.5, "1"]),
    ("float", [1, 1.5, -1e300], ["1.5", []]),
    ("double", [1, 1.5, 2**60], ["1.5", {}]),
    ("File", ["a.csv", "s3://b/a.csv", FILE, LITERAL], [FOLDER, {"path": "a"}, 1, [FILE]]),
    ("stdin", ["a.csv", FILE], [FOLDER, 1]),
    ("Directory", ["data", FOLDER, {"class": "Directory", "listing": [FILE]}], [FILE, {}, 1]),
    (["File", "Directory"], ["data", FOLDER, FILE], [{"class": "Other"}, 1]),
    ("Any", ["x", 1, 1.5, True, {}, {"a": [None]}, [], [1, "x", None]], []),
    ("schema.yml#thing", ["x", 1, {}, []], []),
    (COLOURS, ["red", "green", "blue"], ["colour/red", "yellow", 1]),
    (
        RECORD,
        [{"left": 1}, {"left": 1, "right": FILE, "more": 1}, {"left": 1, "right": None}],
        [{}, {"left": "1"}, [], "x"],
    ),
    (array_of("string"), [[], ["a", "b"]], ["a", [1], [None]]),
    (array_of("int"), [[], [1, 2]], [1, ["1"], [2**31]]),
    (array_of("File"), [[], ["a.csv"], [FILE], ["a.csv", FILE]], ["a.csv", FILE, [FOLDER], [1]]),
    (array_of(array_of("double")), [[], [[]], [[1, 2.5], []]], [[1], [["x"]]]),
    (array_of(COLOURS), [[], ["red", "blue"]], [["yellow"], "red"]),
    (array_of(RECORD), [[], [{"left": 1}]], [[{}], {"left": 1}]),
    (array_of(["null", "int"]), [[None, 1]], [["x"]]),
    (["string", "int"], ["x", 1], [1.5, [], {}]),
    (["int", "long"], [1, 2**40], ["x", 2**63]),
    (["File", array_of("File")], ["a.csv", FILE, ["a.csv", FILE]], [1, FOLDER]),
    ([COLOURS, "int"], ["red", 1], ["yellow"]),
    ({"type": "string"}, ["x"], [1]),
]
IDS = [json.dumps(row[0])[:40] for row in TABLE]


@pytest.mark.parametrize(("cwl_type", "good", "bad"), TABLE, ids=IDS)
def test_the_schema_says_what_a_field_is_for(cwl_type: Any, good: list[Any], bad: list[Any]) -> None:
    port = Port("x", cwl_type)
    assert all(is_valid_in_form(port, value) for value in good)
    assert not any(is_valid_in_form(port, value) for value in [*bad, None])


@pytest.mark.parametrize(("cwl_type", "good", "bad"), TABLE, ids=IDS)
def test_optional_takes_null(cwl_type: Any, good: list[Any], bad: list[Any]) -> None:
    branches = cwl_type if isinstance(cwl_type, list) else [cwl_type]
    for port in (Port("x", ["null", *branches]), Port("x", cwl_type, default=None, has_default=True)):
        assert all(is_valid_in_form(port, value) for value in [*good, None])
        assert not any(is_valid_in_form(port, value) for value in bad)


@pytest.mark.parametrize(("cwl_type", "good", "bad"), TABLE, ids=IDS)
def test_the_server_leaves_the_check_to_the_first_task(cwl_type: Any, good: list[Any], bad: list[Any]) -> None:
    for value in [*good, *bad, None]:
        assert validate_conf(Port("x", cwl_type), x=value) == {"x": value}
    assert validate_conf(Port("x", cwl_type)) == {"x": None}


@pytest.mark.parametrize(("cwl_type", "good", "bad"), TABLE, ids=IDS)
def test_defaults_come_back(cwl_type: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        port = Port("x", cwl_type, default=value, has_default=True)
        # Airflow would garble a list of objects and other values: the task fills this default in.
        shown = None if value == ["a.csv", FILE] else value
        assert validate_conf(port) == {"x": shown}
        assert validate_conf(port, x=None) == {"x": None}


def test_files_of_the_document_show_as_paths() -> None:
    text = {"class": "File", "location": "cwldoc:///data/a%20b.txt"}
    with_format = {**text, "format": "http://example.org/text"}
    shown = {
        "file": validate_conf(Port("x", "File", default=text, has_default=True))["x"],
        "list": validate_conf(Port("x", array_of("File"), default=[text, text], has_default=True))["x"],
        "more": validate_conf(Port("x", "File", default=with_format, has_default=True))["x"],
        "record": validate_conf(Port("x", RECORD, default={"left": 1, "right": text}, has_default=True))["x"]["right"],
        "union": validate_conf(Port("x", ["File", "string"], default=text, has_default=True))["x"],
    }
    inside = {"class": "File", "location": "data/a b.txt"}
    assert shown == {
        "file": "data/a b.txt",
        "list": ["data/a b.txt", "data/a b.txt"],
        "more": {**inside, "format": "http://example.org/text"},
        "record": inside,
        "union": inside,
    }


def test_a_job_object_may_hold_more() -> None:
    conf = {"x": FILE, "cwl:requirements": [{"class": "ToolTimeLimit", "timelimit": 3}]}
    assert validate_conf(Port("x", "File"), **conf) == conf


# ---- What the form shows: the rules of FlexibleForm in Airflow's UI, in Python


def form_field(port: Port) -> str:
    """Which field Airflow 3.3 picks."""
    schema = serialize_params(port).get_param("x").schema
    kinds = [kind for kind in _list(schema["type"]) if kind != "null"]
    if len(kinds) > 1 and "enum" not in schema and "examples" not in schema:
        return "text or JSON"
    kind = kinds[0]
    if kind in ("string", "integer", "number") and "enum" in schema:
        return "choice"
    if kind == "array":
        lines = "lines" if schema["items"].get("type") in (None, "string") else "JSON list"
        return "choices" if "examples" in schema else lines
    if schema.get("format") == "multiline":
        return "multiline"
    return {"boolean": "switch", "integer": "number", "number": "number", "object": "JSON", "string": "text"}[kind]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("cwl_type", "default", "shown"),
    [
        ("string", None, "text"),
        ("string", "x", "text"),
        ("string", "a\nb", "multiline"),
        ("boolean", True, "switch"),
        ("int", 1, "number"),
        ("long", None, "number"),
        ("double", 0.5, "number"),
        (["int", "long"], None, "number"),
        (COLOURS, "red", "choice"),
        ("File", None, "text"),
        ("File", FILE, "text or JSON"),
        ("Directory", None, "text"),
        (array_of("string"), ["a"], "lines"),
        (array_of("File"), None, "lines"),
        (array_of("File"), ["a.csv"], "lines"),
        (array_of("File"), [FILE], "JSON list"),
        (array_of("int"), [1], "JSON list"),
        (array_of(COLOURS), None, "choices"),
        (RECORD, None, "JSON"),
        ("Any", None, "text or JSON"),
        (["string", "int"], None, "text or JSON"),
        ([COLOURS, "string"], "red", "text"),
        (["null", COLOURS, "string"], None, "text"),
    ],
)
def test_field_of_the_form(cwl_type: Any, default: Any, shown: str) -> None:
    port = Port("x", cwl_type, default=default, has_default=default is not None)
    assert form_field(port) == shown
    assert form_field(Port("x", ["null", *_list(cwl_type)], default=default, has_default=port.has_default)) == shown


def test_required_shows_as_required() -> None:
    schema = serialize_params(Port("x", "int")).get_param("x").schema
    assert schema["type"] == "integer"
    assert (schema["minimum"], schema["maximum"]) == (-(2**31), 2**31 - 1)
    assert "null" in serialize_params(Port("x", "int", default=1, has_default=True)).get_param("x").schema["type"]


def test_title_and_description() -> None:
    schema = serialize_params(Port("x", "File", label="The table", doc="One row a *day*.\n")).get_param("x").schema
    assert schema["title"] == "The table"
    assert schema["description_md"].startswith("One row a *day*.\n\nA path or a URI.")
    plain = serialize_params(Port("x", "int")).get_param("x")
    assert plain.schema["title"] == "x"
    assert "description_md" not in plain.schema
    assert plain.description is None


# ---- In a task


def resolve_in_task(*ports: Port, conf: dict[str, Any] | None = None) -> dict[str, Any]:
    dag = dag_of(*ports)
    task = BaseOperator(task_id="t", dag=dag)
    return process_params(dag, task, conf, suppress_exception=False)


def test_a_task_never_refuses() -> None:
    assert resolve_in_task(Port("x", "int"), Port("y", "int", default=3, has_default=True)) == {"x": None, "y": 3}
    assert resolve_in_task(Port("x", "int"), conf={"x": "wrong", "z": 1}) == {"x": "wrong", "z": 1}
    assert resolve_in_task(Port("x", "int", default=3, has_default=True), conf={"x": None}) == {"x": None}


def test_same_plan_same_serialization() -> None:
    ports = [Port(f"x{number}", row[0]) for number, row in enumerate(TABLE)]
    first, second = (json.dumps(DagSerialization.to_dict(dag_of(*ports))["dag"]["params"]) for _ in range(2))
    assert first == second
    assert [name for name, _ in json.loads(first)] == [port.id for port in ports]


def test_listed_choices_are_a_form_and_a_check() -> None:
    """Of texts and lists of texts. Airflow refuses another value as a run is triggered, and nothing else."""
    names = ["red", "green"]
    many = Port("x", array_of("string"), default=["red"], has_default=True, choices=names)
    one = Port("x", ["null", "string"], choices=names)
    assert (form_field(many), form_field(one)) == ("choices", "choice")
    assert serialize_params(many).get_param("x").schema["examples"] == names
    assert serialize_params(one).get_param("x").schema["enum"] == [*names, None]
    assert validate_conf(many, x=["green", "red"]) == {"x": ["green", "red"]}
    assert validate_conf(one) == validate_conf(one, x=None) == {"x": None}
    assert validate_conf(many, x={"class": "File", "path": "a"}), "what is no text is for the first task"
    for port, wrong in ((many, ["red", "gren"]), (one, "gren")):
        with pytest.raises(REFUSED, match="'gren' is not one of"):
            validate_conf(port, x=wrong)


def test_a_test_of_the_dag_refuses_what_is_none_of_the_choices() -> None:
    """With a sentence, and before there is a run: `airflow dags test` says it at once."""
    dag = CwlDag(CWL / "workflows" / "classification.cwl", "trial")
    with pytest.raises(InputError, match="input 'models' of classification.cwl is 'svn'; did you mean 'svm'"):
        dag.test(run_conf={"models": ["svn"]})


def test_choices_beside_any_text_are_offered() -> None:
    schema = serialize_params(Port("x", ["null", COLOURS, "string"])).get_param("x").schema
    assert schema["examples"] == ["red", "green", "blue"]
    assert validate_conf(Port("x", [COLOURS, "string"]), x="another") == {"x": "another"}
