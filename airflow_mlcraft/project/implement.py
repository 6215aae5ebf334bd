"""The verb `impl`: the user's code, opened in an editor and tested on a sample of the project's data.

The test imports the file, looks for its function, and runs it.
"""

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
from airflow_mlcraft.project.documents import sync_documents
from airflow_mlcraft.project.ml_step import run_step
from airflow_mlcraft.project.project_paths import Project

PARTS = ("retriever", "processor", "model")
EDITORS = ("VISUAL", "EDITOR")
_SAMPLE_ROWS = 200
Report = Callable[[str], None]


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial. `fault` is a sentence, empty on success; `lines` is what the steps have logged.

    `trusted` lists the types that models of the user's code contain, with their packages.
    """

    part: str
    path: Path
    lines: list[str]
    fault: str = ""
    trusted: tuple[str, ...] = ()


def part_path(project: Project, part: str) -> Path:
    """The file of a part: retriever, processor or model."""
    if part not in PARTS:
        raise ProjectError(f"there is no part {part!r} of a project", f"expected {', '.join(PARTS)}")
    return project.folder / f"{part}.py"


def install_dependencies(project: Project, requirements: Sequence[str], report: Report) -> None:
    """Add and install dependencies; if one fails, mlcraft.toml and requirements.txt are restored."""
    with restore_files_on_error(*dependencies.changed_files(project)):
        dependencies.add_dependencies(project, requirements, report)


def open_editor(path: Path) -> None:
    """Open a file in $VISUAL, $EDITOR or vim, and wait until the editor ends."""
    command = shlex.split(next((os.environ[name] for name in EDITORS if os.environ.get(name)), "vim"))
    if shutil.which(command[0]) is None:
        raise ProjectError(f"there is no editor {command[0]!r}", "say which to open: export EDITOR=nano")
    code = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's editor
    if code:
        raise ProjectError(f"the editor {command[0]!r} ended with exit code {code}", f"{path.name} was not tried")


def try_part(project: Project, part: str, report: Report = lambda _: None) -> TrialResult:
    """Run a part on a sample of the project's data."""
    path, lines, trusted = part_path(project, part), list[str](), list[str]()

    def record_line(line: str) -> None:
        lines.append(line)
        report(line)

    try:
        with tempfile.TemporaryDirectory(prefix="mlcraft-impl-") as folder:
            _TRIALS[part](_Trial(project, Path(folder), record_line, trusted))
    except MlcraftError as error:
        return TrialResult(part, path, lines, str(error))
    return TrialResult(part, path, lines, trusted=tuple(trusted))


@dataclass(frozen=True)
class _Trial:
    """The context of a trial: project, temporary folder, log function, and the list of trusted types to fill."""

    project: Project
    folder: Path
    report: Report
    trusted: list[str]

    def run_step(self, *arguments: str) -> Path:
        """Run a step; returns the folder with its outputs."""
        output_folder = Path(tempfile.mkdtemp(dir=self.folder))
        run_step(self.project, manifests.read_manifest(self.project), list(arguments), output_folder, self.report)
        return output_folder

    def code_path(self, part: str) -> str:
        return str(part_path(self.project, part))


def _try_retriever(sample: _Trial) -> Path:
    manifest = manifests.read_manifest(sample.project)
    sources = [run_inputs.resolve_source(sample.project, source) for source in manifest.sources]
    key = ["--key-env", manifest.key] if manifest.key else []
    output_folder = sample.run_step("retrieve", "--sources", *sources, "--code", sample.code_path("retriever"), *key)
    return next(output_folder.glob("data.*"))


def _try_processor(sample: _Trial) -> Path:
    retrieved = sample.project.folder / "data" / "retrieved"
    data = retrieved if retrieved.is_file() else _try_retriever(sample)
    return _process(sample, data)


def _process(sample: _Trial, data: Path) -> Path:
    manifest = manifests.read_manifest(sample.project)
    arguments = ["process", "--data", str(data), "--target", manifest.target, "--prediction", manifest.prediction]
    return sample.run_step(*arguments, "--code", sample.code_path("processor"), "--seed", str(manifest.seed))


def _try_model(sample: _Trial) -> None:
    """Train each of the user's estimators on some rows, and add new ones to the models of mlcraft.toml."""
    names = list_own_models(sample)
    parts = _try_processor(sample)
    for name in names:
        arguments = ["train", "--train", str(_sample_rows(parts / "train.parquet")), "--recipe"]
        arguments += [str(parts / "recipe.json"), "--model", name, "--folds", "0"]
        output_folder = sample.run_step(*arguments, "--code", sample.code_path("model"))
        sample.trusted.extend(_describe_trusted(name, output_folder / "model" / "model.json"))
    manifest = manifests.read_manifest(sample.project)
    if new_names := [name for name in names if name not in manifest.models]:
        removed = ["model"] if "model" not in names else []
        models = [name for name in manifest.models if name not in removed]
        manifests.change_manifest(sample.project, {"train.models": [*models, *new_names]})
        sync_documents(sample.project, manifests.read_manifest(sample.project))
        sample.report(f"`mlcraft train` now trains {', '.join(new_names)} too")


def _describe_trusted(name: str, card: Path) -> list[str]:
    record = json.loads(card.read_text("utf-8")).get("trusted")
    if not record:
        return []
    types = ", ".join(str(item).rpartition(".")[2] for item in record["types"])
    packages = ", ".join(f"{item['name']} {item['version']}" for item in record["packages"])
    return [f"{name}: {types}{f' ({packages})' if packages else ''}"]


def list_own_models(sample: _Trial) -> list[str]:
    """The names of the estimators in model.py."""
    output_folder = sample.run_step("own-models", "--code", sample.code_path("model"))
    names = json.loads((output_folder / "own_models.json").read_text("utf-8"))
    return [str(name) for name in names]


def _sample_rows(path: Path) -> Path:
    import pandas as pd

    frame = pd.read_parquet(path)
    if len(frame) > _SAMPLE_ROWS:
        frame.sample(_SAMPLE_ROWS, random_state=0).reset_index(drop=True).to_parquet(path)
    return path


_TRIALS: dict[str, Callable[[_Trial], object]] = {
    "retriever": _try_retriever,
    "processor": _try_processor,
    "model": _try_model,
}
