"""Shipped documents as Rabix Composer leaves them: opened and written three times, they are the same DAG."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.serialization.serialized_objects import DagSerialization

from airflow_mlcraft import CwlDag

HERE = Path(__file__).parent
CWL = HERE.parents[1] / "cwl"
DOCUMENTS = sorted([*(CWL / "workflows").glob("*.cwl"), *(CWL / "tools").glob("*.cwl")])
VERSIONS = ("1.15.29", "1.23.10")

pytestmark = pytest.mark.composer


@pytest.fixture(scope="module", params=VERSIONS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like cwl/, with what Composer made of each document."""
    command = ["node", str(HERE / "round_trip.mjs"), str(HERE), request.param, *map(str, DOCUMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path_factory.mktemp("composer")
    (folder / "data").symlink_to(CWL / "data")
    results = json.loads(done.stdout)
    assert len(results) == len(DOCUMENTS)
    for result in results:
        assert result["said"] == [], result["path"]
        place = folder / Path(result["path"]).relative_to(CWL)
        place.parent.mkdir(exist_ok=True)
        place.write_text(yaml.safe_dump(result["written"]))
    return folder


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_what_composer_writes_is_the_same_dag(document: Path, written: Path) -> None:
    theirs = written / document.relative_to(CWL)
    assert _structure(CwlDag(theirs, "same")) == _structure(CwlDag(document, "same"))


def test_positions_survive(written: Path) -> None:
    for document in (CWL / "workflows").glob("*.cwl"):
        ours, theirs = (yaml.safe_load(path.read_text()) for path in (document, written / "workflows" / document.name))
        assert _positions(ours) == _positions(theirs)


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
