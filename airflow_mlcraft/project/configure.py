"""The verb `config`: changes of a project in all its files, applied completely or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import restore_files_on_error, write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import dependencies, env_file
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.create import read_model_template
from airflow_mlcraft.project.documents import sync_documents
from airflow_mlcraft.project.embedded import DAGSHUB_TOKEN
from airflow_mlcraft.project.evaluation import validate_metric
from airflow_mlcraft.project.model_choices import check_models
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import set_remote
from airflow_mlcraft.project.source_profile import source_for_manifest

OPTIONAL_KEYS = (
    "data.id",
    "data.stratify",
    "data.group",
    "data.time",
    "data.drop",
    "data.impute",
    "data.positive",
    "data.key",
    "data.test_size",
    "data.seed",
    "train.folds",
    "train.class_weight",
    "evaluate.metric",
    "evaluate.threshold",
    "evaluate.replace_champion",
    "evaluate.minimum",
    "evaluate.margin",
)
"""Keys of mlcraft.toml that have a default and may be left out."""


@dataclass(frozen=True)
class Changes:
    """The changes of a project; an empty field leaves the value unchanged."""

    title: str = ""
    prediction: str = ""
    target: str = ""
    metric: str = ""
    dependencies: Sequence[str] = ()
    sources: Sequence[str] = ()
    key: str = ""
    key_value: str = ""
    dagshub: str = ""
    remote: str = ""
    models: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    """Other values of mlcraft.toml by their dotted names; None removes a key."""

    @property
    def has_changes(self) -> bool:
        """Whether any field is set."""
        return any(vars(self).values())


def configure(project: Project, changes: Changes, report: Callable[[str], None] = lambda _: None) -> list[str]:
    """Change a project. Returns a sentence for each change."""
    files = [project.manifest, project.secrets, project.requirements, project.workflow, project.tuned_workflow]
    files += [project.folder / ".dvc" / "config", project.folder / ".dvc" / "config.local", *_model_files(project)]
    before = manifests.read_manifest(project)
    check_changes(project, changes)
    requirements = [*changes.dependencies, *dependencies.find_missing(project, changes.models)]
    sentences = []
    with restore_files_on_error(*files):
        values = _manifest_values(project, before, changes)
        if values:
            manifests.change_manifest(project, values)
            sentences += [_describe_value(name, value) for name, value in values.items()]
        if changes.prediction and changes.prediction != before.prediction:
            sentences.append(_swap_model(project, before.prediction, changes.prediction))
        if changes.key:
            env_file.write_key(project, changes.key, changes.key_value)
            sentences.append(f"{changes.key} is in .env, which git ignores and nobody else may read")
        if changes.remote or changes.dagshub:
            sentences.append(_set_remote(project, changes))
        if requirements:
            lines = dependencies.add_dependencies(project, requirements, report)
            sentences.append(
                f"requirements.txt asks for {', '.join(lines)}, which are installed for this project alone"
            )
        sentences += [f"{path.name} follows" for path in sync_documents(project, manifests.read_manifest(project))]
    return sentences


def check_changes(project: Project, changes: Changes) -> None:
    """Validate changes before any file is written. Raises ProjectError for the first that is not possible."""
    prediction = changes.prediction or manifests.read_manifest(project).prediction
    if prediction not in manifests.PREDICTION_TYPES:
        raise ProjectError(
            f"there is no prediction type {prediction!r}", f"expected {' or '.join(manifests.PREDICTION_TYPES)}"
        )
    if changes.metric:
        validate_metric(prediction, changes.metric)
    if changes.models:
        check_models(
            project, manifests.replace_values(manifests.read_manifest(project), prediction=prediction), changes.models
        )
    if changes.key:
        env_file.check_key_name(changes.key)
    if changes.dagshub and [bool(part) for part in changes.dagshub.split("/")] != [True, True]:
        raise ProjectError(f"{changes.dagshub!r} is no repository of DagsHub", "expected OWNER/REPOSITORY")
    if changes.dagshub and changes.remote:
        raise ProjectError("--dagshub brings a DVC remote of its own", "leave out --remote, or set it afterwards")


def resolve_key_names(names: Sequence[str]) -> list[str]:
    """The dotted names of keys to remove from mlcraft.toml; the table may be left out, as in `group`.

    Raises ProjectError for a key that does not exist or is required.
    """
    keys = []
    for name in names:
        matching = [key for key in OPTIONAL_KEYS if name in (key, key.partition(".")[2])]
        if not matching:
            allowed = ", ".join(key.partition(".")[2] for key in OPTIONAL_KEYS)
            raise ProjectError(
                f"--unset {name}: mlcraft.toml cannot do without it, or has no such key", f"expected {allowed}"
            )
        keys += matching
    return keys


def _manifest_values(project: Project, before: manifests.Manifest, changes: Changes) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": changes.title,
        "data.target": changes.target,
        "tracking.dagshub": changes.dagshub,
        "evaluate.metric": changes.metric,
        "train.models": list(changes.models),
    }
    if changes.sources:
        # The sample data of a new project is replaced by the user's own data.
        own_sources = [source for source in before.sources if source not in manifests.SAMPLE_SOURCES.values()]
        values["data.sources"] = list(
            dict.fromkeys([*own_sources, *(source_for_manifest(project, source) for source in changes.sources)])
        )
    if changes.key and changes.key != DAGSHUB_TOKEN:
        values["data.key"] = changes.key
    if changes.prediction and changes.prediction != before.prediction:
        values |= {
            "prediction": changes.prediction,
            "train.models": list(changes.models) or manifests.DEFAULT_MODELS[changes.prediction],
            "evaluate.metric": changes.metric or None,
            "evaluate.minimum": None,
        }
        removed = {"evaluate.minimum"} | ({"evaluate.metric"} if before.metric else set())
        if before.sources == (manifests.SAMPLE_SOURCES[before.prediction],) and not changes.sources:
            values["data.sources"] = [manifests.SAMPLE_SOURCES[changes.prediction]]
        chosen = {name: value for name, value in values.items() if value or name in removed}
    else:
        chosen = {name: value for name, value in values.items() if value}
    return chosen | dict(changes.values)


def _describe_value(name: str, value: Any) -> str:
    if value is None:
        return f"{name} is taken out"
    if isinstance(value, bool):
        return f"{name} is {str(value).lower()}"
    if isinstance(value, Mapping):
        value = [f"{key} = {item}" for key, item in value.items()]
    return f"{name} is {', '.join(value) if isinstance(value, list) else value}"


def _model_files(project: Project) -> list[Path]:
    saved = [project.folder / f"{prediction}_model.py" for prediction in manifests.PREDICTION_TYPES]
    return [project.folder / "model.py", *saved]


def _swap_model(project: Project, before: str, after: str) -> str:
    """Replace model.py by the template of the new prediction type, or by the file saved at an earlier change of type.

    The current file is saved as PREDICTION_model.py.
    """
    model = project.folder / "model.py"
    kept = project.folder / f"{before}_model.py"
    earlier = project.folder / f"{after}_model.py"
    text = earlier.read_text("utf-8") if earlier.is_file() else read_model_template(after)
    if model.is_file():
        model.replace(kept)
    write_text_atomically(model, text)
    earlier.unlink(missing_ok=True)
    return f"model.py is one for {after}; the old one is kept as {kept.name}"


def _set_remote(project: Project, changes: Changes) -> str:
    if changes.remote:
        set_remote(project.folder, changes.remote)
        return f"data is pushed to {changes.remote}, with the next run"
    token = env_file.read_env_file(project).get(DAGSHUB_TOKEN)
    url = f"https://dagshub.com/{changes.dagshub}.dvc"
    credentials = {"auth": "basic", "user": token, "password": token} if token else None
    set_remote(project.folder, url, credentials)
    if token:
        return f"runs and data go to DagsHub, {changes.dagshub}"
    return (
        f"runs and data go to DagsHub, {changes.dagshub}, once it has a token: "
        f"`mlcraft config {project.name} --key {DAGSHUB_TOKEN} --dagshub {changes.dagshub}`"
    )
