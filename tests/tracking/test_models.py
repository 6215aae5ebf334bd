"""Tests of models written without mlflow and loaded by it, of versions and aliases, and of the trace of a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from skops import io

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import pyfunc_model, registry, tags
from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.model_folder import write_model
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.trace import trace_model

FRAME = pd.DataFrame(
    {
        "width": [0.1, 0.2, 0.9, 1.0] * 5,
        "leaves": [1, 2, 3, 4] * 5,
        "colour": ["red", "red", "blue", "blue"] * 5,
        "wild": [True, False, True, False] * 5,
    }
)
KIND = np.array(["a", "a", "b", "b"] * 5)


def fitted_model(tmp_path: Path, trees: int = 5) -> Path:
    encode = make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough")
    estimator = make_pipeline(encode, RandomForestClassifier(trees, random_state=1)).fit(FRAME, KIND)
    file = tmp_path / f"forest{trees}.skops"
    io.dump(estimator, file)
    return write_model(tmp_path / f"model{trees}", file, FRAME, estimator.predict(FRAME), metadata={"trees": trees})


def test_a_model_is_loaded_by_mlflow_and_predicts(
    tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    name = f"iris_{run_name.dag_id}"
    with tracking.step(StepName(run_name, "train")) as run:
        run.model(fitted_model(tmp_path))
        run.register(name, champion=True, tags={"metric": "acc"})
    assert tracking.flush() == 0

    import mlflow

    mlflow.set_tracking_uri(tracking.uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert list(loaded.predict(FRAME)) == list(KIND)
    assert [column.name for column in loaded.metadata.signature.inputs] == list(FRAME.columns)
    assert loaded.metadata.metadata == {"trees": 5}
    assert loaded.metadata.run_id == tracking.wait_for_run_id(StepName(run_name, "train"))
    example = loaded.input_example
    assert set(loaded.predict(example)) <= set(KIND)
    assert len(example) == 5
    with pytest.raises(mlflow.MlflowException, match="wild"):
        loaded.predict(FRAME.drop(columns="wild"))
    version = mlflow.MlflowClient().get_model_version_by_alias(name, "champion")
    assert version.tags["metric"] == "acc"
    (model,) = mlflow.get_run(str(version.run_id)).outputs.model_outputs
    made = mlflow.get_logged_model(model.model_id)
    assert (made.status, made.artifact_location) == ("READY", version.source)


def test_a_retry_that_makes_the_same_model_makes_no_second_version(
    tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    name = f"iris_{run_name.dag_id}"
    folder = fitted_model(tmp_path)
    for number in (1, 2):
        with tracking.step(StepName(run_name, "train", try_number=number)) as run:
            run.model(folder)
            run.register(name)
    assert tracking.flush() == 0
    assert [version.version for version in tracking.api().list_versions(name)] == ["1"]
    assert name in tracking.api().list_registered_models()


def test_a_champion_that_nobody_could_ask_about_stays(
    tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    """A model of a run that could not reach the store becomes champion only if there is no champion."""
    name = f"iris_{run_name.dag_id}"
    for number, trees in enumerate((3, 7)):
        with tracking.step(StepName(run_name, "train", number)) as run:
            run.model(fitted_model(tmp_path, trees))
            run.register(name, champion=True, only_first=True)
    assert tracking.flush() == 0
    assert len(tracking.api().list_versions(name)) == 2
    champion = tracking.api().get_version_by_alias(name, "champion")
    assert champion is not None
    assert champion.version == "1"
    assert tracking.api().get_version_by_alias(name, "previous") is None


def test_a_step_registers_what_another_has_made(tracking: TrackingClient, run_name: DagRunName, tmp_path: Path) -> None:
    name = f"iris_{run_name.dag_id}"
    contents = []
    tracking.begin(run_name, tags={tags.DOCUMENT: "iris.cwl", tags.PLAN: "123", tags.GIT_COMMIT: "c0ffee"})
    for item, trees in enumerate((3, 7)):
        step = StepName(run_name, "train", item)
        with tracking.step(step, tags={tags.STEP_IDENTITY: f"id{item}"}) as run:
            run.dataset("iris.csv", md5="d" * 32, path="data/iris.csv")
            run.metric("accuracy", 0.5)
            contents.append(run.model(fitted_model(tmp_path, trees)))
    with tracking.step(StepName(run_name, "evaluate")) as run:
        run.dataset("test.csv", md5="e" * 32)
        run.register(name, content=contents[1], champion=True)
    tracking.end(run_name)
    assert tracking.flush() == 0

    found = trace_model(tracking.api(), name)
    assert (found.version, found.content) == ("1", contents[1])
    assert (found.made_by.task_id, found.made_by.map_index, found.made_by.identity) == ("train", 1, "id1")
    assert (found.dag_id, found.dag_run_id) == (run_name.dag_id, run_name.run_id)
    assert {(step.task_id, step.map_index) for step in found.steps} == {("train", 0), ("train", 1), ("evaluate", -1)}
    assert {data.md5 for data in found.data} == {"d" * 32, "e" * 32}
    assert (found.document, found.plan, found.git_commit) == ("iris.cwl", "123", "c0ffee")
    assert found.to_json()["data"][0]["path"] == "data/iris.csv"
    for words in (f"models:/{name}@champion", f"{name}/1"):
        assert trace_model(tracking.api(), words) == found
    with pytest.raises(MlcraftError, match="previous"):
        trace_model(tracking.api(), f"{name}@previous")


def test_the_aliases_move_in_order(tracking: TrackingClient, run_name: DagRunName, tmp_path: Path) -> None:
    name = f"iris_{run_name.dag_id}"
    with tracking.step(StepName(run_name, "train")) as run:
        for trees in (1, 2, 3):
            run.model(fitted_model(tmp_path, trees), f"model{trees}")
            run.register(name, name=f"model{trees}")
    assert tracking.flush() == 0
    api = tracking.api()

    def aliases() -> tuple[str, str]:
        found = (api.get_version_by_alias(name, "champion"), api.get_version_by_alias(name, "previous"))
        return tuple(version.version if version else "" for version in found)  # type: ignore[return-value]

    assert aliases() == ("", "")
    registry.promote(api, name, "1", at=100)
    assert aliases() == ("1", "")
    registry.promote(api, name, "2", at=300)
    registry.promote(api, name, "2", at=400)
    assert aliases() == ("2", "1")
    registry.promote(api, name, "3", at=200)
    assert aliases() == ("2", "1"), "a decision that arrives late undoes no later one"
    registry.rollback(api, name)
    assert aliases() == ("1", "2")
    registry.promote(api, name, "3")
    assert aliases() == ("3", "1")


def test_there_is_nothing_to_roll_back_to(server_tracking: TrackingClient, run_name: DagRunName) -> None:
    with pytest.raises(MlcraftError, match="previous"):
        registry.rollback(server_tracking.api(), f"none_{run_name.dag_id}")


def test_types_that_nobody_knows_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.skops"
    io.dump(FunctionTransformer(np.testing.assert_equal), file)
    with pytest.raises(MlcraftError, match=r"assert_equal.*MLCRAFT_TRUSTED_TYPES"):
        pyfunc_model.load(file)
    (unknown,) = io.get_untrusted_types(file=file)
    monkeypatch.setenv("MLCRAFT_TRUSTED_TYPES", unknown)
    assert isinstance(pyfunc_model.load(file), FunctionTransformer)


def test_a_column_without_a_word_for_it(tmp_path: Path) -> None:
    frame = pd.DataFrame({"odd": [object()]})
    with pytest.raises(MlcraftError, match="'odd'"):
        write_model(tmp_path / "model", __file__, frame, np.array([1]))
