"""The project's processor goes with its champion: `predict` and `run` take rows as the source has them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.project.projects import Workplace

CODE = """
def process(frame):
    frame["petal"] = frame.pop("petal length (cm)").str.removesuffix(" cm").astype(float)
    return frame
"""
ROW = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": "1.4 cm", "petal width (cm)": 0.2}


def with_units(place: Workplace) -> Path:
    """A table whose lengths have a unit, as the source of the project."""
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame
    frame["petal length (cm)"] = frame["petal length (cm)"].map("{} cm".format)
    frame.to_csv(place.project().folder / "iris.csv", index=False)
    (place.project().folder / "data" / "retrieved").unlink()
    toml = place.project().manifest
    toml.write_text(toml.read_text().replace("sklearn:iris", "iris.csv"))
    return place.project().folder / "iris.csv"


def must(place: Workplace, *arguments: str) -> str:
    result = place.mlcraft(*arguments)
    assert result.code == 0, result.err
    return result.out


def test_from_impl_to_run(changed: Workplace) -> None:
    source = with_units(changed)
    processor = changed.project().folder / "processor.py"
    processor.write_text(CODE)
    must(changed, "impl", "iris", "processor", "--no-edit")
    must(changed, "train", "iris", "--quiet", "-m", "decision_tree")
    first = must(changed, "predict", "iris", str(source))
    processor.write_text(CODE.replace('frame["petal"]', 'frame["petal_length"]'))
    assert must(changed, "predict", "iris", str(source)) == first, "the champion keeps the code it was trained with"
    try:
        must(changed, "run", "iris", "--detach")
        url = changed.mlcraft("status", "iris", "--json").json()["url"]
        answer = httpx.post(f"{url}/predict", json={"records": [ROW]})
        assert (answer.status_code, answer.json()["predictions"]) == (200, [0])
        refused = httpx.post(f"{url}/predict", json={"records": [ROW | {"petal length (cm)": "long"}]})
        assert refused.status_code == 422
        assert "processor.py:3: ValueError" in refused.json()["error"]
        must(changed, "train", "iris", "--quiet", "-m", "random_forest")
        card = json.loads((changed.project().champion / "model.json").read_text())
        assert card["process"]["file"] == "processor.py"
        assert card["name"] == "random_forest", "its features are new, so the champion of before is out"
        must(changed, "run", "iris", "--detach")
        assert httpx.post(f"{url}/predict", json={"records": [ROW]}).json()["predictions"] == [0]
    finally:
        changed.mlcraft("stop", "iris")


def test_what_needs_the_whole_table_is_told_when_it_is_tried(changed: Workplace) -> None:
    processor = changed.project().folder / "processor.py"
    processor.write_text(
        "def process(frame):\n"
        "    width = frame['sepal width (cm)']\n"
        "    return frame.assign(width=width - width.mean())\n"
    )
    result = changed.mlcraft("impl", "iris", "processor", "--no-edit")
    assert result.code == 1
    assert "processor.py:3: process() makes 'width'" in " ".join(result.err.split())
