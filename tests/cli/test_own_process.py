"""The project's processor goes with its champion: `predict` and `run` take rows as the source has them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.project.projects import Workspace

CODE = """
def process(frame):
    frame["petal"] = frame.pop("petal length (cm)").str.removesuffix(" cm").astype(float)
    return frame
"""
ROW = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": "1.4 cm", "petal width (cm)": 0.2}


def write_table_with_units(workspace: Workspace) -> Path:
    """A table whose lengths have a unit, as the source of the project."""
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame
    frame["petal length (cm)"] = frame["petal length (cm)"].map("{} cm".format)
    frame.to_csv(workspace.project().folder / "iris.csv", index=False)
    (workspace.project().folder / "data" / "retrieved").unlink()
    toml = workspace.project().manifest
    toml.write_text(toml.read_text().replace("sklearn:iris", "iris.csv"))
    return workspace.project().folder / "iris.csv"


def run_checked(workspace: Workspace, *arguments: str) -> str:
    result = workspace.mlcraft(*arguments)
    assert result.code == 0, result.err
    return result.out


def test_from_impl_to_run(trained_copy: Workspace) -> None:
    source = write_table_with_units(trained_copy)
    processor = trained_copy.project().folder / "processor.py"
    processor.write_text(CODE)
    run_checked(trained_copy, "impl", "iris", "processor", "--no-edit")
    run_checked(trained_copy, "train", "iris", "--quiet", "-m", "decision_tree")
    first = run_checked(trained_copy, "predict", "iris", str(source))
    processor.write_text(CODE.replace('frame["petal"]', 'frame["petal_length"]'))
    assert run_checked(trained_copy, "predict", "iris", str(source)) == first, (
        "the champion keeps the code it was trained with"
    )
    try:
        run_checked(trained_copy, "run", "iris", "--detach")
        url = trained_copy.mlcraft("status", "iris", "--json").json()["url"]
        answer = httpx.post(f"{url}/predict", json={"records": [ROW]})
        assert (answer.status_code, answer.json()["predictions"]) == (200, [0])
        refused = httpx.post(f"{url}/predict", json={"records": [ROW | {"petal length (cm)": "long"}]})
        assert refused.status_code == 422
        assert "processor.py:3: ValueError" in refused.json()["error"]
        run_checked(trained_copy, "train", "iris", "--quiet", "-m", "random_forest")
        card = json.loads((trained_copy.project().champion / "model.json").read_text())
        assert card["process"]["file"] == "processor.py"
        assert card["name"] == "random_forest", "its features are new, so the champion of before is out"
        run_checked(trained_copy, "run", "iris", "--detach")
        assert httpx.post(f"{url}/predict", json={"records": [ROW]}).json()["predictions"] == [0]
    finally:
        trained_copy.mlcraft("stop", "iris")


def test_what_needs_the_whole_table_is_told_when_it_is_tried(trained_copy: Workspace) -> None:
    processor = trained_copy.project().folder / "processor.py"
    processor.write_text(
        "def process(frame):\n"
        "    width = frame['sepal width (cm)']\n"
        "    return frame.assign(width=width - width.mean())\n"
    )
    result = trained_copy.mlcraft("impl", "iris", "processor", "--no-edit")
    assert result.code == 1
    assert "processor.py:3: process() makes 'width'" in " ".join(result.err.split())
