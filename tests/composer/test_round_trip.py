"""Documents in Composer's form, opened and saved by Rabix Composer again and again: they are the same DAG."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlcraft import CwlDag
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.cwl.composer.form import composer_form
from airflow_mlcraft.cwl.discover import find_documents
from airflow_mlcraft.errors import MlcraftError
from tests.composer.composer import HERE, VERSIONS, SavedDocument, open_and_save
from tests.composer.meaning import normalize_document

DagSerialization = dag_serialization()

PROJECT = HERE.parents[1]
CWL = PROJECT / "cwl"
SHIPPED = sorted([*(CWL / "workflows").glob("*.cwl"), *(CWL / "tools").glob("*.cwl")])
_DUBIOUS = re.compile(r"Unexpected token|Cannot read properties|is not defined|already exists in this tool")
"""What Composer says of expressions on values that it makes up, and of an input and an output of one name."""

pytestmark = pytest.mark.composer


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shipped(version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like cwl/, with what Composer made of each document."""
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "data").symlink_to(CWL / "data")
    opened = open_and_save(version, SHIPPED)
    assert {each.path: each.messages for each in opened if each.messages} == {}
    _write(opened, CWL, folder)
    return folder


@pytest.mark.parametrize("document", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_document_is_the_same_dag(document: Path, shipped: Path) -> None:
    theirs = shipped / document.relative_to(CWL)
    assert _structure(CwlDag(theirs, "same")) == _structure(CwlDag(document, "same"))


def test_positions_survive(shipped: Path) -> None:
    for document in (CWL / "workflows").glob("*.cwl"):
        ours, theirs = (yaml.safe_load(path.read_text()) for path in (document, shipped / "workflows" / document.name))
        assert _positions(ours) == _positions(theirs)


def test_what_the_builder_has_made(version: str, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    shutil.copytree(HERE / "made", ours)
    shutil.copytree(CWL / "tools", ours / "tools")
    drawn = sorted((ours / "workflows").glob("*.cwl"))
    before = [normalize_document(document) for document in drawn]
    for document in drawn:
        for name, text in composer_form(document).files.items():
            (document.parent / name).write_text(text)
    assert [normalize_document(document)["steps"] for document in drawn] == [meaning["steps"] for meaning in before]
    opened = open_and_save(version, sorted(ours.rglob("*.cwl")))
    assert {each.path: each.messages for each in opened if each.messages} == {}
    _write(opened, ours, tmp_path / "theirs")
    assert _changed(ours, tmp_path / "theirs") == []


@dataclass(frozen=True)
class Converted:
    """Documents in Composer's form, each with its tools in a folder of its own."""

    folder: Path
    meanings: dict[str, Any]
    """What each document comes to, by its path below the folder."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return _converted(PROJECT / "tests" / "documents", tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def of_suite(cwl_suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return _converted(cwl_suite / "tests", tmp_path_factory.mktemp("suite"))


def test_each_document_of_ours(ours: Converted, version: str, tmp_path: Path) -> None:
    assert len(ours.meanings) > 35
    _assert_unchanged(ours, version, tmp_path)


@pytest.mark.suite
def test_each_document_of_the_suite(of_suite: Converted, version: str, tmp_path: Path) -> None:
    # Most can be converted: conditions, choices of values and little else cannot.
    assert len(of_suite.meanings) > 250
    _assert_unchanged(of_suite, version, tmp_path)


def _assert_unchanged(converted: Converted, version: str, folder: Path) -> None:
    opened = open_and_save(version, sorted(converted.folder.rglob("*.cwl")))
    output = {str(each.path): each.messages for each in opened if not all(map(_DUBIOUS.search, each.messages))}
    assert output == {}
    _write(opened, converted.folder, folder)
    assert [root for root, meaning in converted.meanings.items() if meaning != normalize_document(folder / root)] == []


def _converted(folder: Path, into: Path) -> Converted:
    made = {}
    for number, document in enumerate(find_documents(folder)):
        try:
            form = composer_form(document, into=into / str(number))
        except MlcraftError:
            # Broken on purpose, or of several processes.
            continue
        for name, text in form.files.items():
            path = into / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for root in list(form.files)[:1]:
            made[f"{number}/{root}"] = normalize_document(into / str(number) / root)
    return Converted(into, made)


def _write(opened: list[SavedDocument], ours: Path, theirs: Path) -> None:
    for each in opened:
        path = theirs / each.path.relative_to(ours)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(each.written))


def _changed(ours: Path, theirs: Path) -> list[Path]:
    names = [path.relative_to(ours) for path in sorted(ours.rglob("*.cwl"))]
    return [name for name in names if normalize_document(ours / name) != normalize_document(theirs / name)]


def _structure(dag: CwlDag) -> Any:
    """All that Airflow knows of a DAG, but for the hash of the document and where it lies."""
    stored = DagSerialization.to_dict(dag)["dag"]
    return _without(stored, {"plan", "base", "fileloc", "relative_fileloc", "_processor_dags_folder"})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items() if name not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


def _positions(workflow: Any) -> dict[str, tuple[int, int]]:
    return {
        f"{kind}/{node['id']}": (node["sbg:x"], node["sbg:y"])
        for kind in ("inputs", "outputs", "steps")
        for node in workflow[kind]
    }
