"""`--set`: values, sweeps over runs and over models, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.overrides import PlannedRun, plan_runs
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_inputs import build_default_inputs


def plan(project: Project, *overrides: str, models: tuple[str, ...] = (), tuned: bool = False) -> list[PlannedRun]:
    return plan_runs(project, manifest.read_manifest(project), models, overrides, tuned=tuned)


def labels(choice: PlannedRun) -> list[str]:
    return [candidate.label for candidate in choice.candidates]


def test_nothing_is_what_the_project_says(project: Project) -> None:
    (one,) = plan(project)
    assert labels(one) == list(manifest.read_manifest(project).models)
    assert (one.set, one.label) == ({}, "")


def test_values_of_a_run(project: Project) -> None:
    (one,) = plan(project, "seed=7", "test_size=0.5", "metric=f1", "minimum=null", "source=data/x.csv", "target=kind")
    found = one.manifest
    assert (found.seed, found.test_size, found.metric, found.minimum) == (7, 0.5, "f1", None)
    assert (found.sources, found.target) == (("data/x.csv",), "kind")


def test_how_rows_are_split_in_a_run(project: Project) -> None:
    (one,) = plan(project, "stratify=true", "group=person", "time=day", "drop=[a,b]", "impute=mean", "positive=yes")
    job = build_default_inputs(project, one.manifest)
    names = ("stratify", "group", "time", "drop", "impute")
    assert [job[name] for name in names] == [True, "person", "day", ["a", "b"], "mean"]


def test_a_sweep_over_runs(project: Project) -> None:
    found = plan(project, "seed=1,2", "process.scale=true,false", models=("svm",))
    assert [(one.manifest.seed, one.process) for one in found] == [
        (1, {"scale": True}),
        (1, {"scale": False}),
        (2, {"scale": True}),
        (2, {"scale": False}),
    ]
    assert found[0].label == "seed=1, process.scale=True"


def test_a_sweep_over_seeds_keeps_the_split(project: Project) -> None:
    """Otherwise the champion would have seen rows that it is tested on."""
    jobs = [build_default_inputs(project, one.manifest) for one in plan(project, "seed=1,2")]
    assert [(job["seed"], job["split_seed"]) for job in jobs] == [(1, 42), (2, 42)]
    (one,) = plan(project, "split_seed=7")
    job = build_default_inputs(project, one.manifest)
    assert (job["seed"], job["split_seed"]) == (42, 7)


def test_a_sweep_over_a_model(project: Project) -> None:
    (one,) = plan(
        project, "random_forest.max_depth=2,4", "random_forest.n_estimators=10", models=("svm", "random_forest")
    )
    assert labels(one) == [
        "svm",
        "random_forest (max_depth=2, n_estimators=10)",
        "random_forest (max_depth=4, n_estimators=10)",
    ]
    assert one.set == {"random_forest.max_depth": [2, 4], "random_forest.n_estimators": 10}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("null", None),
        ("sqrt", "sqrt"),
        ("'1,2'", "1,2"),
        ("[1,2]", [1, 2]),
        ("{a: 1}", {"a": 1}),
        ("", ""),
    ],
)
def test_values(project: Project, text: str, value: Any) -> None:
    (one,) = plan(project, f"svm.C={text}", models=("svm",))
    assert one.candidates[0].params == {"C": value}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["seed"], "--set seed: expected key=value"),
        (["=1"], "--set =1: expected key=value"),
        (["nonsense=1"], "there is nothing of that name in iris; expected target, test_size, stratify"),
        (["lasso.alpha=1"], "there is nothing of that name in iris"),
        (["seed=x"], "--set seed=x: expected a whole number, 0 or more"),
        (["folds=-1"], "--set folds=-1: expected a whole number, 0 or more"),
        (["test_size=much"], "--set test_size=much: expected a number"),
        (["target=[1]"], "--set target=[1]: expected a text"),
        (["seed={a"], "cannot be read; put a text with special signs in quotes"),
        (["seed=" + ",".join(map(str, range(101)))], "--set asks for 101 runs; 100 at most"),
        (["random_forest.a=" + ",".join(map(str, range(501)))], "--set asks for 505 models; 500 at most"),
    ],
)
def test_what_is_refused(project: Project, overrides: list[str], sentence: str) -> None:
    with pytest.raises(ProjectError) as told:
        plan(project, *overrides)
    assert sentence in str(told.value)


def test_a_model_that_is_none(project: Project) -> None:
    with pytest.raises(ProjectError, match="there is no model 'random_florest' for classification; .*random_forest"):
        plan(project, models=("random_florest",))
    manifest.change_manifest(project, {"train.models": ["random_florest", "model"]})
    with pytest.raises(ProjectError, match="there is no model 'random_florest'"):
        plan(project)
    (project.folder / "model.py").write_text("def estimators():\n    return {'mine': 1}\n")
    assert labels(plan(project, models=("mine",))[0]) == ["mine"]
    with pytest.raises(ProjectError, match="there is no model 'mane' for classification; did you mean 'mine'"):
        plan(project, models=("mane",))
    (project.folder / "model.py").write_text("def estimators():\n    return dict(MORE)\n")
    assert labels(plan(project, models=("mine",))[0]) == ["mine"], "only estimators() knows its names"


def test_a_search(project: Project) -> None:
    (one,) = plan(project, tuned=True)
    assert "model" not in labels(one), "nobody knows where to search for the user's own"
    with pytest.raises(ProjectError, match=r"where to search for model; say it in mlcraft.toml, under \[tune.space\]"):
        plan(project, models=("model",), tuned=True)
    with pytest.raises(ProjectError, match="--tune searches for parameters itself"):
        plan(project, "svm.C=1", models=("svm",), tuned=True)
    project.manifest.write_text(
        project.manifest.read_text().replace("[tune.space]", "[tune.space]\nmodel = { max_depth = [2, 4] }\n#")
    )
    assert labels(plan(project, models=("model",), tuned=True)[0]) == ["model"]
