"""`impl`: the user's own code in an editor, and tried afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.project import manifest
from tests.project.projects import Workspace

OWN = """
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier


def estimators():
    return {"bayes": GaussianNB(), "tree": DecisionTreeClassifier()}
"""


def write_editor(folder: Path, text: str) -> str:
    """A program that writes a text into the file that it is to edit."""
    path = folder / "edit"
    (folder / "text").write_text(text)
    path.write_text(f'#!/bin/sh\ncp "{folder / "text"}" "$1"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("part", ["retriever", "processor", "model"])
def test_templates_run_as_they_are(trained: Workspace, part: str) -> None:
    result = trained.mlcraft("impl", "iris", part, EDITOR="true")
    assert result.code == 0, result.err
    assert f"✓ {part}.py imports, has its function, and runs on a sample" in result.out
    assert "Next: mlcraft train iris trains with it." in result.out


@pytest.mark.parametrize(
    ("part", "text", "fault"),
    [
        ("processor", "def process(frame:\n", "processor.py:1: "),
        (
            "processor",
            "import no_such_module\n",
            "processor.py:1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("processor", "def proces(frame):\n    return frame\n", "processor.py has no function 'process'"),
        ("processor", "def process(frame, **params):\n    return None\n", "processor.py"),
        ("processor", "def process(frame, **params):\n    1 / 0\n", "processor.py:2: ZeroDivisionError"),
        ("retriever", "def retrieve(sources, fetch):\n    return 3\n", "retriever.py"),
        ("model", "def model(**params):\n    return 3\n", "model.py"),
        ("model", "process = 1\n", "model.py has no function"),
    ],
)
def test_what_is_wrong_is_told(trained_copy: Workspace, part: str, text: str, fault: str) -> None:
    result = trained_copy.mlcraft("impl", "iris", part, VISUAL=write_editor(trained_copy.folder, text), EDITOR="false")
    assert (result.code, result.out) == (1, "")
    assert f"✗ {fault}" in result.err
    assert "Traceback" not in result.err
    assert (trained_copy.project().folder / f"{part}.py").read_text() == text, "the user's text is kept"


def test_estimators_of_ones_own_are_trained_from_then_on(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("impl", "iris", "model", "--json", EDITOR=write_editor(trained_copy.folder, OWN))
    assert result.json()["ok"]
    models = manifest.read_manifest(trained_copy.project()).models
    assert models[-2:] == ("bayes", "tree")
    assert "model" not in models
    assert "- bayes" in trained_copy.project().workflow.read_text()


def test_only_tried(trained_copy: Workspace) -> None:
    (trained_copy.project().folder / "processor.py").write_text("x = 1\n")
    result = trained_copy.mlcraft("impl", "iris", "processor", "--no-edit", "--json", EDITOR="false")
    assert result.code == 1
    assert '"ok": false' in result.out


def test_the_editor(trained: Workspace) -> None:
    failed = trained.mlcraft("impl", "iris", "model", EDITOR="false")
    assert failed.code == 1
    assert "the editor 'false' ended with exit code 1; model.py was not tried" in failed.err
    absent = trained.mlcraft("impl", "iris", "model", VISUAL="no-such-editor -w")
    assert "there is no editor 'no-such-editor'; say which to open: export EDITOR=nano" in absent.err


def test_a_part_that_is_none(trained: Workspace) -> None:
    result = trained.mlcraft("impl", "iris", "everything")
    assert "there is no part 'everything' of a project; expected retriever, processor, model" in result.err


def test_a_dependency_that_cannot_be_had(trained_copy: Workspace) -> None:
    before = trained_copy.project().requirements.read_text()
    result = trained_copy.mlcraft("impl", "iris", "model", "-d", "xgboost==0.0.1", EDITOR="true", UV_OFFLINE="1")
    assert (result.code, result.out) == (1, "")
    assert "the requirements xgboost==0.0.1 cannot be installed" in result.err
    assert trained_copy.project().requirements.read_text() == before


TYPES = """
from sklearn.tree import DecisionTreeClassifier


class Own(DecisionTreeClassifier):
    pass


class Fails(DecisionTreeClassifier):
    def fit(self, x, y, **more):
        if len(x) > 60:
            raise RuntimeError("not so many rows")
        return super().fit(x, y, **more)


def estimators():
    return {"own": Own(), "fails": Fails()}
"""


def test_types_that_are_trusted_and_a_model_that_fails(trained: Workspace, tmp_path: Path) -> None:
    """Trust is said once; the model that fails later takes no other with it."""
    place = trained.copy(tmp_path)
    text = TYPES.replace("len(x) > 60", "False")
    result = place.mlcraft("impl", "iris", "model", EDITOR=write_editor(tmp_path, text))
    assert result.code == 0, result.err
    assert "! Trusted from now on, as your code makes it: own: Own" in result.out
    (place.project().folder / "model.py").write_text(TYPES)
    result = place.mlcraft("train", "iris", "-m", "own", "-m", "fails")
    assert result.code == 0, result.err
    assert "✗ fails failed, and the others went on: model.py:12: RuntimeError: not so many rows" in result.out
    assert "★ Champion: " in result.out
    run = place.mlcraft("history", "iris", "--json").json()[-1]
    assert [model["state"] for model in run["models"]] == ["success", "failed"]
    result = place.mlcraft("evaluate", "iris", "f1")
    assert result.code == 0, result.err
