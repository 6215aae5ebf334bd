"""`config`: change what a project is, everywhere it is said; all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import restore_files_on_error, write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import dependencies, env_file
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.create import model_template
from airflow_mlcraft.project.documents import sync
from airflow_mlcraft.project.evaluation import checked_metric
from airflow_mlcraft.project.model_choices import check_models
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import set_remote
from airflow_mlcraft.project.source_profile import stored_source
from airflow_mlcraft.project.tracking_server import DAGSHUB_TOKEN

OPTIONAL = (
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
"""Keys of mlcraft.toml that have a default, and may be left out."""


@dataclass(frozen=True)
class Changes:
    """What is to be changed; empty is left alone."""

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
    """Other values of mlcraft.toml by their dotted names; None takes one out."""

    @property
    def any(self) -> bool:
        """Whether something is to be changed at all."""
        return any(vars(self).values())


def configure(project: Project, changes: Changes, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Change a project; gives a sentence for each thing that was done."""
    files = [project.manifest, project.secrets, project.requirements, project.workflow, project.tuned_workflow]
    files += [project.folder / ".dvc" / "config", project.folder / ".dvc" / "config.local", *_models(project)]
    before = manifests.read(project)
    check(project, changes)
    needed = [*changes.dependencies, *dependencies.lacking_for(project, changes.models)]
    done = []
    with restore_files_on_error(*files):
        values = _values(project, before, changes)
        if values:
            manifests.change(project, values)
            done += [_told(name, value) for name, value in values.items()]
        if changes.prediction and changes.prediction != before.prediction:
            done.append(_swap_model(project, before.prediction, changes.prediction))
        if changes.key:
            env_file.write(project, changes.key, changes.key_value)
            done.append(f"{changes.key} is in .env, which git ignores and nobody else may read")
        if changes.remote or changes.dagshub:
            done.append(_set_remote(project, changes))
        if needed:
            lines = dependencies.add(project, needed, say)
            done.append(f"requirements.txt asks for {', '.join(lines)}, which are installed for this project alone")
        done += [f"{path.name} follows" for path in sync(project, manifests.read(project))]
    return done


def check(project: Project, changes: Changes) -> None:
    """Refuse what cannot be, before anything is changed or asked."""
    prediction = changes.prediction or manifests.read(project).prediction
    if prediction not in manifests.PREDICTIONS:
        raise ProjectError(
            f"there is no prediction type {prediction!r}", f"expected {' or '.join(manifests.PREDICTIONS)}"
        )
    if changes.metric:
        checked_metric(prediction, changes.metric)
    if changes.models:
        check_models(project, manifests.with_values(manifests.read(project), prediction=prediction), changes.models)
    if changes.key:
        env_file.check_name(changes.key)
    if changes.dagshub and [bool(part) for part in changes.dagshub.split("/")] != [True, True]:
        raise ProjectError(f"{changes.dagshub!r} is no repository of DagsHub", "expected OWNER/REPOSITORY")
    if changes.dagshub and changes.remote:
        raise ProjectError("--dagshub brings a DVC remote of its own", "leave out --remote, or set it afterwards")


def key_names(names: Sequence[str]) -> list[str]:
    """Dotted names of keys that may be taken out of mlcraft.toml; the table may be left out, as in `group`."""
    found = []
    for name in names:
        matching = [one for one in OPTIONAL if name in (one, one.partition(".")[2])]
        if not matching:
            known = ", ".join(one.partition(".")[2] for one in OPTIONAL)
            raise ProjectError(
                f"--unset {name}: mlcraft.toml cannot do without it, or has no such key", f"expected {known}"
            )
        found += matching
    return found


def _values(project: Project, before: manifests.Manifest, changes: Changes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": changes.title,
        "data.target": changes.target,
        "tracking.dagshub": changes.dagshub,
        "evaluate.metric": changes.metric,
        "train.models": list(changes.models),
    }
    if changes.sources:
        # The sample of a new project makes room for the user's own data.
        kept = [source for source in before.sources if source not in manifests.SOURCES.values()]
        found["data.sources"] = list(dict.fromkeys([*kept, *(stored_source(project, one) for one in changes.sources)]))
    if changes.key and changes.key != DAGSHUB_TOKEN:
        found["data.key"] = changes.key
    if changes.prediction and changes.prediction != before.prediction:
        found |= {
            "prediction": changes.prediction,
            "train.models": list(changes.models) or manifests.TASKS[changes.prediction],
            "evaluate.metric": changes.metric or None,
            "evaluate.minimum": None,
        }
        taken_out = {"evaluate.minimum"} | ({"evaluate.metric"} if before.metric else set())
        if before.sources == (manifests.SOURCES[before.prediction],) and not changes.sources:
            found["data.sources"] = [manifests.SOURCES[changes.prediction]]
        chosen = {name: value for name, value in found.items() if value or name in taken_out}
    else:
        chosen = {name: value for name, value in found.items() if value}
    return chosen | dict(changes.values)


def _told(name: str, value: Any) -> str:
    if value is None:
        return f"{name} is taken out"
    if isinstance(value, bool):
        return f"{name} is {str(value).lower()}"
    if isinstance(value, Mapping):
        value = [f"{key} = {item}" for key, item in value.items()]
    return f"{name} is {', '.join(value) if isinstance(value, list) else value}"


def _models(project: Project) -> list[Path]:
    own = [project.folder / f"{prediction}_model.py" for prediction in manifests.PREDICTIONS]
    return [project.folder / "model.py", *own]


def _swap_model(project: Project, before: str, after: str) -> str:
    """model.py gets another template, or what it was the last time; the old one is kept."""
    model = project.folder / "model.py"
    kept = project.folder / f"{before}_model.py"
    earlier = project.folder / f"{after}_model.py"
    text = earlier.read_text("utf-8") if earlier.is_file() else model_template(after)
    if model.is_file():
        model.replace(kept)
    write_text_atomically(model, text)
    earlier.unlink(missing_ok=True)
    return f"model.py is one for {after}; the old one is kept as {kept.name}"


def _set_remote(project: Project, changes: Changes) -> str:
    if changes.remote:
        set_remote(project.folder, changes.remote)
        return f"data is pushed to {changes.remote}, with the next run"
    token = env_file.read(project).get(DAGSHUB_TOKEN)
    url = f"https://dagshub.com/{changes.dagshub}.dvc"
    secret = {"auth": "basic", "user": token, "password": token} if token else None
    set_remote(project.folder, url, secret)
    if token:
        return f"runs and data go to DagsHub, {changes.dagshub}"
    return (
        f"runs and data go to DagsHub, {changes.dagshub}, once it has a token: "
        f"`mlcraft config {project.name} --key {DAGSHUB_TOKEN} --dagshub {changes.dagshub}`"
    )
