"""A run's inputs: what is missing, what is wrong, and where relative paths start."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.inputs import (
    build_job,
    find_unknown_inputs,
    get_job_requirements,
    validate_job,
    warn_unknown_inputs,
)
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.errors import DocumentError, InputError

DOCUMENTS = Path(__file__).parents[1] / "documents"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PlanCache:
    return PlanCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def records(cache: PlanCache) -> Plan:
    return cache.get_plan(DOCUMENTS / "records.cwl")


@pytest.fixture(scope="module")
def count(cache: PlanCache) -> Plan:
    return cache.get_plan(DOCUMENTS / "count_lines" / "count_lines.cwl")


def validate(cache: PlanCache, plan: Plan, given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """As the first task does it."""
    return validate_job(
        restore_locations(cache.tool(plan.root.interface), plan.base),
        build_job(plan, given, folder=folder),
        document=plan.document,
        folder=folder,
        log=lambda level, line: None,
    )


def validation_error(cache: PlanCache, plan: Plan, given: dict[str, Any], folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        validate(cache, plan, given, folder)
    assert "\n" not in str(caught.value)
    assert plan.document in str(caught.value)
    return str(caught.value)


def test_missing(cache: PlanCache, count: Plan, records: Plan, tmp_path: Path) -> None:
    sentence = validation_error(cache, count, {}, tmp_path)
    assert "input 'text' (File) of count_lines.cwl is missing" in sentence
    assert '{"text": {"class": "File", "location": "…"}}' in sentence
    both = validation_error(cache, records, {"friend": None}, tmp_path)
    assert "inputs 'friend'" in both and "'likes'" in both


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"friend": "Ann", "likes": "red"}, ["friend"]),
        ({"friend": {"name": 3}, "likes": "red"}, ["friend", "name"]),
        ({"friend": {}, "likes": "red"}, ["friend", "name"]),
        ({"friend": {"name": "Ann"}, "likes": "blue"}, ["likes", "blue"]),
        ({"friend": {"name": "Ann"}, "likes": "red", "numbers": ["one"]}, ["numbers"]),
        ({"friend": {"name": "Ann"}, "likes": "red", "numbers": 1}, ["numbers"]),
        ({"friend": {"name": "Ann", "age": 1.5}, "likes": "red"}, ["friend", "age"]),
        ({"friend": {"name": "Ann"}, "likes": True}, ["likes"]),
    ],
)
def test_wrong_types(cache: PlanCache, records: Plan, tmp_path: Path, given: dict[str, Any], words: list[str]) -> None:
    sentence = validation_error(cache, records, given, tmp_path)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    "value", [3, True, ["a.txt"], {"class": "Directory", "path": "."}, {"path": "three_lines.txt"}]
)
def test_what_is_no_file(cache: PlanCache, count: Plan, value: Any) -> None:
    assert "text" in validation_error(cache, count, {"text": value}, DOCUMENTS / "count_lines")


@pytest.mark.parametrize(
    "value",
    ["gone.txt", {"class": "File", "path": "gone.txt"}, {"class": "File", "location": "file:///no/such/gone.txt"}],
)
def test_a_file_that_is_not_there(cache: PlanCache, count: Plan, value: Any, tmp_path: Path) -> None:
    sentence = validation_error(cache, count, {"text": value}, tmp_path)
    assert "'text'" in sentence and "gone.txt" in sentence


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("plain.txt", "plain.txt"),
        ("in a folder/with space.txt", "in a folder/with space.txt"),
        ("100%.txt", "100%.txt"),
        ("a%20b.txt", "a%20b.txt"),
        ("ü#?.txt", "ü#?.txt"),
        ("encoded name.txt", {"class": "File", "location": "encoded%20name.txt"}),
        ("p q.txt", {"class": "File", "path": "p q.txt"}),
        ("100%.txt", {"class": "File", "path": "100%.txt"}),
    ],
)
def test_relative_paths(cache: PlanCache, count: Plan, tmp_path: Path, name: str, given: Any) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x\n")
    file = validate(cache, count, {"text": given}, tmp_path)["text"]
    assert file["class"] == "File"
    assert file["basename"] == path.name
    assert file["location"] == path.as_uri()
    assert validate(cache, count, {"text": str(path)}, Path("/"))["text"]["location"] == path.as_uri()


def test_records_with_files(cache: PlanCache, records: Plan, tmp_path: Path) -> None:
    (tmp_path / "me.png").write_text("")
    friend = {"name": "Ann", "photo": {"class": "File", "path": "me.png"}}
    job = validate(
        cache, records, {"friend": friend, "likes": "green", "numbers": [1, 2], "anything": {"a": [1]}}, tmp_path
    )
    assert job["friend"]["photo"]["location"] == (tmp_path / "me.png").as_uri()
    assert (job["numbers"], job["anything"], job["likes"]) == ([1, 2], {"a": [1]}, "green")


def test_defaults_and_nulls(cache: PlanCache, tmp_path: Path) -> None:
    plan = cache.get_plan(DOCUMENTS / "echo.cwl")
    assert build_job(plan, {"word": "hi"}, folder=tmp_path) == {"word": "hi", "name": "echoed.txt"}
    assert build_job(plan, {"word": "", "name": None}, folder=tmp_path) == {"word": "", "name": "echoed.txt"}


def test_unknown_names_are_told_and_ignored(cache: PlanCache) -> None:
    plan = cache.get_plan(DOCUMENTS / "echo.cwl")
    given = {"word": "hi", "wrod": 1, "cwl:requirements": [{"class": "X"}], "$schemas": []}
    assert find_unknown_inputs(plan.root, given) == ["wrod"]
    assert get_job_requirements(given) == [{"class": "X"}]
    lines: list[Any] = []
    warn_unknown_inputs(["wrod"], "echo.cwl", lambda *line: lines.append(line))
    warn_unknown_inputs([], "echo.cwl", lambda *line: lines.append(line))
    assert lines == [(logging.WARNING, "echo.cwl has no input called wrod; ignored")]
    assert "wrod" not in build_job(plan, given, folder=Path())


def test_formats(cache: PlanCache) -> None:
    plan = cache.get_plan(DOCUMENTS / "formats" / "sequence.cwl")
    file = {"class": "File", "path": "formats.ttl"}
    folder = DOCUMENTS / "formats"
    job = validate(cache, plan, {"reads": {**file, "format": "ex:fasta"}}, folder)
    assert job["reads"]["format"] == "https://example.org/formats#fasta"
    assert "format" in validation_error(cache, plan, {"reads": {**file, "format": "ex:video"}}, folder)


CHOICES = """
cwlVersion: v1.0
class: CommandLineTool
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
baseCommand: echo
inputs:
- {id: models, type: "string[]", default: [ridge, lasso], mlcraft:choices: [ridge, lasso, svm], inputBinding: {}}
- {id: metric, type: "string?", mlcraft:choices: [rmse, mae]}
outputs: []
"""


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"models": ["ridge", "laso"]}, "input 'models' of choices.cwl is 'laso'; did you mean 'lasso'?"),
        ({"metric": "x"}, "input 'metric' of choices.cwl is 'x'; there are: rmse, mae"),
    ],
)
def test_a_value_that_is_none_of_the_choices(
    cache: PlanCache, given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "choices.cwl").write_text(CHOICES)
    plan = cache.get_plan(tmp_path / "choices.cwl")
    assert [port.choices for port in plan.root.inputs] == [["ridge", "lasso", "svm"], ["rmse", "mae"]]
    assert build_job(plan, {"models": ["svm"]}, folder=tmp_path) == {"models": ["svm"], "metric": None}
    with pytest.raises(InputError) as refused:
        build_job(plan, given, folder=tmp_path)
    assert str(refused.value) == sentence


def test_choices_that_are_no_list(cache: PlanCache, tmp_path: Path) -> None:
    (tmp_path / "choices.cwl").write_text(CHOICES.replace("[rmse, mae]", "rmse"))
    with pytest.raises(DocumentError, match="mlcraft:choices of input 'metric' is 'rmse'; expected a list of texts"):
        cache.get_plan(tmp_path / "choices.cwl")
