"""mlcraft.toml: what is wrong is told with its place, and what the user wrote stays."""

from __future__ import annotations

import pytest

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.project_paths import Project


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('prediction = "guess"', "prediction is 'guess'; expected classification or regression"),
        ("title = 3", "title is 3; expected a text"),
        ('dependencies = "xgboost"', "dependencies is 'xgboost'; expected a list of texts"),
        ("dependencies = [1]", "dependencies is [1]; expected a list of texts"),
        ('[data]\nseed = "x"', "data.seed is 'x'; expected a whole number"),
        ("[data]\nseed = -1", "data.seed is -1; expected a whole number"),
        ("[data]\ntest_size = true", "data.test_size is True; expected a number"),
        ("[data]\ntest_size = inf", "data.test_size is inf; expected a number"),
        ('[data]\nstratify = "yes"', "data.stratify is 'yes'; expected true or false"),
        ('[data]\nimpute = "guess"', "data.impute is 'guess'; expected median, mean, most_frequent, zero, or a table"),
        ('[data]\nimpute = {age = "guess"}', "data.impute is {'age': 'guess'}; expected median"),
        ('[data]\ntypes = {zip = "zip"}', "expected a table with a text for each column of number, category, boolean"),
        ("[data]\ndates = {joined = 3}", "data.dates is {'joined': 3}; expected a table with a text for each column"),
        ("[data]\nmax_categories = -1", "data.max_categories is -1; expected a whole number from 0 to 10000"),
        ('[train]\nclass_weight = "heavy"', "train.class_weight is 'heavy'; expected balanced, or a table"),
        ('[train]\nclass_weight = {yes = "x"}', "train.class_weight is {'yes': 'x'}; expected balanced"),
        ("[evaluate]\nthreshold = 1.5", "evaluate.threshold is 1.5; expected auto, or a number between 0 and 1"),
        ('[data]\ndrop = "name"', "data.drop is 'name'; expected a list of texts"),
        ("[train.params]\nrandom_forest = 3", "train.params is {'random_forest': 3}; expected a table"),
        ("[targets.local]\nport = 70000", "targets.local.port is 70000; expected a whole number from 0 to 65535"),
        ("title = ", "is not TOML"),
    ],
)
def test_what_is_wrong(project: Project, line: str, sentence: str) -> None:
    start = "" if line.startswith("prediction") else 'prediction = "regression"\n'
    project.manifest.write_text(start + line)
    with pytest.raises(ProjectError) as told:
        manifest.read_manifest(project)
    assert sentence in str(told.value)
    assert str(project.manifest) in str(told.value)


def test_what_is_left_out(project: Project) -> None:
    project.manifest.write_text('prediction = "regression"')
    found = manifest.read_manifest(project)
    assert (found.title, found.target, found.metric, found.folds) == ("iris", "target", "", 5)
    assert found.metric_or_default == "rmse"
    assert "ridge" in found.models


def test_comments_stay(project: Project) -> None:
    project.manifest.write_text(project.manifest.read_text() + "# mine\n")
    manifest.change_manifest(project, {"data.target": "kind", "evaluate.minimum": 0.9, "new.table": "x"})
    text = project.manifest.read_text()
    assert 'target = "kind"  # the column to predict' in text
    assert "# mine" in text
    manifest.change_manifest(project, {"evaluate.minimum": None})
    assert manifest.read_manifest(project).minimum is None
