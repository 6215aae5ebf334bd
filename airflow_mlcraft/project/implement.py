"""`impl`: the user's own code, opened in an editor and then tried: does it import, has it the function, does it run."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.common.files import restore_files_on_error
from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project import dependencies, run_inputs
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.documents import sync
from airflow_mlcraft.project.ml_step import run_step
from airflow_mlcraft.project.project_paths import Project

PARTS = ("retriever", "processor", "model")
EDITORS = ("VISUAL", "EDITOR")
_SAMPLE = 200
Say = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """What came of trying a part. `fault` is a sentence, empty where there is none.

    `trusted` says which types of the user's code and packages its models bring along.
    """

    part: str
    path: Path
    said: list[str]
    fault: str = ""
    trusted: tuple[str, ...] = ()


def path_of(project: Project, part: str) -> Path:
    """The file of a part."""
    if part not in PARTS:
        raise ProjectError(f"there is no part {part!r} of a project", f"expected {', '.join(PARTS)}")
    return project.folder / f"{part}.py"


def add_dependencies(project: Project, wanted: Sequence[str], say: Say) -> None:
    """Before the editor opens: all of them, or none."""
    with restore_files_on_error(*dependencies.changed_by(project)):
        dependencies.add(project, wanted, say)


def edit(path: Path) -> None:
    """Open $VISUAL, $EDITOR or vim, and wait until it ends."""
    command = shlex.split(next((os.environ[name] for name in EDITORS if os.environ.get(name)), "vim"))
    if shutil.which(command[0]) is None:
        raise ProjectError(f"there is no editor {command[0]!r}", "say which to open: export EDITOR=nano")
    code = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's editor
    if code:
        raise ProjectError(f"the editor {command[0]!r} ended with exit code {code}", f"{path.name} was not tried")


def attempt(project: Project, part: str, say: Say = lambda _: None) -> Tried:
    """Try a part on a sample of the project's data."""
    path, said, trusted = path_of(project, part), list[str](), list[str]()

    def hear(line: str) -> None:
        said.append(line)
        say(line)

    try:
        with tempfile.TemporaryDirectory(prefix="mlcraft-impl-") as place:
            _TRIES[part](_Sample(project, Path(place), hear, trusted))
    except MlcraftError as error:
        return Tried(part, path, said, str(error))
    return Tried(part, path, said, trusted=tuple(trusted))


@dataclass(frozen=True)
class _Sample:
    """What is tried, where, and who hears of it."""

    project: Project
    folder: Path
    say: Say
    trusted: list[str]

    def step(self, *arguments: str) -> Path:
        """The folder with what a step has made."""
        room = Path(tempfile.mkdtemp(dir=self.folder))
        run_step(self.project, manifests.read(self.project), list(arguments), room, self.say)
        return room

    def file(self, part: str) -> str:
        return str(path_of(self.project, part))


def _try_retriever(sample: _Sample) -> Path:
    manifest = manifests.read(sample.project)
    sources = [run_inputs.address(sample.project, source) for source in manifest.sources]
    key = ["--key-env", manifest.key] if manifest.key else []
    made = sample.step("retrieve", "--sources", *sources, "--code", sample.file("retriever"), *key)
    return next(made.glob("data.*"))


def _try_processor(sample: _Sample) -> Path:
    kept = sample.project.folder / "data" / "retrieved"
    data = kept if kept.is_file() else _try_retriever(sample)
    return _processed(sample, data)


def _processed(sample: _Sample, data: Path) -> Path:
    manifest = manifests.read(sample.project)
    arguments = ["process", "--data", str(data), "--target", manifest.target, "--prediction", manifest.prediction]
    return sample.step(*arguments, "--code", sample.file("processor"), "--seed", str(manifest.seed))


def _try_model(sample: _Sample) -> None:
    """Each of the user's own estimators learns from some rows; new ones join those that are trained."""
    names = own_models(sample)
    parts = _try_processor(sample)
    for name in names:
        arguments = ["train", "--train", str(_some_rows(parts / "train.parquet")), "--recipe"]
        arguments += [str(parts / "recipe.json"), "--model", name, "--folds", "0"]
        made = sample.step(*arguments, "--code", sample.file("model"))
        sample.trusted.extend(_trusted(name, made / "model" / "model.json"))
    manifest = manifests.read(sample.project)
    if new := [name for name in names if name not in manifest.models]:
        gone = ["model"] if "model" not in names else []
        models = [name for name in manifest.models if name not in gone]
        manifests.change(sample.project, {"train.models": [*models, *new]})
        sync(sample.project, manifests.read(sample.project))
        sample.say(f"`mlcraft train` now trains {', '.join(new)} too")


def _trusted(name: str, card: Path) -> list[str]:
    record = json.loads(card.read_text("utf-8")).get("trusted")
    if not record:
        return []
    types = ", ".join(str(one).rpartition(".")[2] for one in record["types"])
    packages = ", ".join(f"{one['name']} {one['version']}" for one in record["packages"])
    return [f"{name}: {types}{f' ({packages})' if packages else ''}"]


def own_models(sample: _Sample) -> list[str]:
    """The names of the estimators in model.py."""
    made = sample.step("own-models", "--code", sample.file("model"))
    names = json.loads((made / "own_models.json").read_text("utf-8"))
    return [str(name) for name in names]


def _some_rows(path: Path) -> Path:
    import pandas as pd

    frame = pd.read_parquet(path)
    if len(frame) > _SAMPLE:
        frame.sample(_SAMPLE, random_state=0).reset_index(drop=True).to_parquet(path)
    return path


_TRIES: dict[str, Callable[[_Sample], object]] = {
    "retriever": _try_retriever,
    "processor": _try_processor,
    "model": _try_model,
}
