"""Paths of projects: the folder that has all of them, and the files and folders of one project."""

from __future__ import annotations

import keyword
import os
import re
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.errors import ProjectError

PROJECTS_VARIABLE = "MLCRAFT_PROJECTS"
PROJECTS_FOLDER = "ml_projects"
MANIFEST = "mlcraft.toml"
HIDDEN_FOLDER = ".mlcraft"
_NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")
_MAX_LISTED = 10


@dataclass(frozen=True)
class Project:
    """A project by its folder. The name of the folder is also the name of its registered model and of its server."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def manifest(self) -> Path:
        return self.folder / MANIFEST

    @property
    def secrets(self) -> Path:
        return self.folder / ".env"

    @property
    def requirements(self) -> Path:
        return self.folder / "requirements.txt"

    @property
    def workflow(self) -> Path:
        return self.folder / "workflow.cwl"

    @property
    def tuned_workflow(self) -> Path:
        return self.folder / "tuned.cwl"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def champion(self) -> Path:
        """The folder of the best model; it exists after the first training."""
        return self.folder / "models" / "champion"

    @property
    def scores(self) -> Path:
        return self.folder / "reports" / "scores.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def hidden_folder(self) -> Path:
        """The folder of files that runs write, which git ignores."""
        return self.folder / HIDDEN_FOLDER

    @property
    def store(self) -> Path:
        return self.hidden_folder / "store"

    @property
    def runs(self) -> Path:
        return self.hidden_folder / "runs"

    @property
    def deployments(self) -> Path:
        return self.hidden_folder / "deployments"

    @property
    def external_resources(self) -> Path:
        """The file that lists what the project has created outside its folder."""
        return self.hidden_folder / "elsewhere.json"


@dataclass(frozen=True)
class Projects:
    """The folder of all projects."""

    root: Path

    @property
    def tracking_folder(self) -> Path:
        """The folder of the MLflow database, which all projects share; deleting a project leaves it."""
        return self.root / HIDDEN_FOLDER

    def all(self) -> list[Project]:
        """All projects, sorted by name."""
        if not self.root.is_dir():
            return []
        found = [Project(path) for path in sorted(self.root.iterdir()) if not path.name.startswith(".")]
        return [project for project in found if project.manifest.is_file()]

    def find(self, name: str) -> Project:
        """The project of this name. Raises ProjectError, which lists the existing projects, if there is none."""
        project = Project(self.root / name)
        if find_name_fault(name) == "" and project.manifest.is_file():
            return project
        names = [one.name for one in self.all()]
        if not names:
            raise ProjectError(
                f"there is no project {name!r}, nor any other in {self.root}", f"make one with `mlcraft init {name}`"
            )
        listed = ", ".join(names[:_MAX_LISTED]) + (", …" if len(names) > _MAX_LISTED else "")
        raise ProjectError(f"there is no project {name!r} in {self.root}", f"there are {listed}")

    def find_of_model(self, model: str) -> Project | None:
        """The project with the name of a model (`iris`, `iris@champion`, `models:/iris/2`); None if there is none."""
        name = re.split("[@/]", model.removeprefix("models:/"))[0]
        return next((project for project in self.all() if project.name == name), None)

    def new_project(self, name: str) -> Project:
        """A project of this name that does not exist yet. Raises ProjectError if the name is invalid or taken."""
        if fault := find_name_fault(name):
            raise ProjectError(f"{name!r} cannot be the name of a project: {fault}")
        taken = {path.name.lower() for path in self.root.iterdir()} if self.root.is_dir() else set()
        if name.lower() in taken:
            raise ProjectError(f"{self.root / name} is there already", "choose another name")
        return Project(self.root / name)


def find_name_fault(name: str) -> str:
    """The reason why this cannot be the name of a project; empty if it can."""
    if not _NAME_PATTERN.fullmatch(name):
        return "expected a letter, and then letters, digits and _ (50 at most), such as iris_2"
    return "Python has another use for this word" if keyword.iskeyword(name) else ""


def find_projects(folder: Path | None = None) -> Projects:
    """The given folder, that of $MLCRAFT_PROJECTS, or the one found from the current folder upwards."""
    if folder is not None:
        return Projects(folder.expanduser().absolute())
    if folder_name := os.environ.get(PROJECTS_VARIABLE):
        return Projects(Path(folder_name).expanduser().absolute())
    current = Path.cwd()
    for path in (current, *current.parents):
        if (path / MANIFEST).is_file():
            return Projects(path.parent)
        if (path / PROJECTS_FOLDER).is_dir():
            return Projects(path / PROJECTS_FOLDER)
    return Projects(current / PROJECTS_FOLDER)


def projects_of(project: Project) -> Projects:
    """The folder of projects that contains this project."""
    return Projects(project.folder.parent)
