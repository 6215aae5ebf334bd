"""Changes of a project: everywhere, or nowhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import configure as configuring
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.configure import Changes, configure, resolve_key_names
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import read_remote


def files(project: Project) -> dict[str, bytes]:
    """All files that a project's user may look at."""
    skipped = (".git", "__pycache__")
    found = [path for path in project.folder.rglob("*") if path.is_file() and not set(skipped) & set(path.parts)]
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in found}


def test_a_title_everywhere(project: Project) -> None:
    done = configure(project, Changes(title="My flowers"))
    assert done == ["title is My flowers", "workflow.cwl follows", "tuned.cwl follows"]
    assert "label: My flowers\n" in project.workflow.read_text()
    assert "label: My flowers, tuned\n" in project.tuned_workflow.read_text()


def test_sources_and_a_target(project: Project) -> None:
    configure(project, Changes(sources=("https://example.org/a.csv",), target="kind"))
    configure(project, Changes(sources=("data/more.csv",)))
    found = manifest.read_manifest(project)
    assert found.sources == ("https://example.org/a.csv", "data/more.csv"), "the sample has made room"
    assert found.target == "kind"
    assert "https://example.org/a.csv" in project.workflow.read_text()


def test_models_folds_and_the_split(project: Project) -> None:
    values = {
        "train.folds": 3,
        "data.test_size": 0.3,
        "data.stratify": True,
        "data.group": "person",
        "data.drop": ["a", "b"],
        "data.impute": {"age": "mean"},
    }
    done = configure(project, Changes(models=("svm",), values=values))
    assert done[:4] == ["train.models is svm", "train.folds is 3", "data.test_size is 0.3", "data.stratify is true"]
    found = manifest.read_manifest(project)
    assert (found.models, found.folds, found.test_size, found.group) == (("svm",), 3, 0.3, "person")
    assert (found.drop, found.impute) == (("a", "b"), {"age": "mean"})
    assert 'impute = {age = "mean"}  # for missing numbers' in project.manifest.read_text()
    assert "group is taken out" in " ".join(
        configure(project, Changes(values=dict.fromkeys(resolve_key_names(["group"]))))
    )
    assert manifest.read_manifest(project).group == ""


def test_keys_that_cannot_be_taken_out() -> None:
    assert resolve_key_names(["minimum", "data.drop"]) == ["evaluate.minimum", "data.drop"]
    with pytest.raises(MlcraftError, match="--unset target: mlcraft.toml cannot do without it"):
        resolve_key_names(["target"])


def test_another_prediction_keeps_the_old_model(project: Project) -> None:
    model = project.folder / "model.py"
    model.write_text(model.read_text() + "\n# mine\n")
    done = configure(project, Changes(prediction="regression"))
    assert "model.py is one for regression; the old one is kept as classification_model.py" in done
    found = manifest.read_manifest(project)
    assert (found.prediction, found.metric, found.sources) == ("regression", "", ("sklearn:diabetes",))
    assert "RegressorMixin" in model.read_text()
    configure(project, Changes(prediction="classification"))
    assert model.read_text().endswith("# mine\n")
    assert "RegressorMixin" in (project.folder / "regression_model.py").read_text()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (Changes(prediction="clustering"), "there is no prediction type 'clustering'; expected classification or regr"),
        (Changes(models=("random_florest",)), "there is no model 'random_florest' for classification; did you mean"),
        (Changes(values={"data.impute": "guess"}), "data.impute is 'guess'; expected median, mean"),
        (Changes(metric="rmse"), "rmse is a metric for regression, and this is classification: acc, balanced_acc"),
        (Changes(prediction="regression", metric="acc"), "acc is a metric for classification"),
        (Changes(key="lower", key_value="x"), "'lower' cannot be the name of a key"),
        (Changes(key="NAME", key_value=""), "the value of NAME is empty"),
        (Changes(dagshub="nobody"), "'nobody' is no repository of DagsHub; expected OWNER/REPOSITORY"),
        (Changes(dagshub="a/b", remote="/tmp/x"), "--dagshub brings a DVC remote of its own"),
        (Changes(title="New", dependencies=("not a name",)), "'not a name' is no dependency"),
        (Changes(title="New", remote="nothing://x"), "nothing://x cannot be the DVC remote"),
    ],
)
def test_what_is_refused_changes_nothing(project: Project, changes: Changes, sentence: str) -> None:
    before = files(project)
    with pytest.raises(MlcraftError) as told:
        configure(project, changes)
    assert sentence in str(told.value)
    assert files(project) == before


def test_no_network_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    before = files(project)
    with pytest.raises(MlcraftError, match="the requirements xgboost==0.0.1 cannot be installed: "):
        configure(project, Changes(title="New", dependencies=("xgboost==0.0.1",)))
    assert files(project) == before
    assert not list((tmp_path / "cache" / "mlcraft" / "environments").glob("*/"))


def test_an_interruption_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(configuring, "sync_documents", interrupt)
    before = files(project)
    with pytest.raises(KeyboardInterrupt):
        configure(
            project,
            Changes(title="New", prediction="regression", key="A_KEY", key_value="secret", remote="/tmp/remote"),
        )
    assert files(project) == before


def test_a_key(project: Project) -> None:
    done = configure(project, Changes(key="DATA_KEY", key_value="not to be shown"))
    assert "not to be shown" not in " ".join(done)
    assert stat.S_IMODE(project.secrets.stat().st_mode) == 0o600
    assert "not to be shown" in project.secrets.read_text()
    assert manifest.read_manifest(project).key == "DATA_KEY"
    configure(project, Changes(key="DATA_KEY", key_value="another"))
    assert "not to be shown" not in project.secrets.read_text()


def test_a_remote(project: Project, tmp_path: Path) -> None:
    configure(project, Changes(remote=str(tmp_path / "remote")))
    assert read_remote(project.folder) == str(tmp_path / "remote")


def test_dagshub_and_its_token(project: Project) -> None:
    (done, *_) = configure(project, Changes(dagshub="me/flowers"))
    assert "tracking.dagshub is me/flowers" in done
    configure(project, Changes(key="DAGSHUB_TOKEN", key_value="my-token", dagshub="me/flowers"))
    assert read_remote(project.folder) == "https://dagshub.com/me/flowers.dvc"
    assert "my-token" not in (project.folder / ".dvc" / "config").read_text(), "git sees that one"
    assert "my-token" in (project.folder / ".dvc" / "config.local").read_text()
    assert manifest.read_manifest(project).key == "", "it is no key of the data"
