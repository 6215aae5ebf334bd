"""The form of a document for Rabix Composer: its files, or the problems that prevent it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from cwltool.process import Process
from cwltool.workflow import Workflow as CwltoolWorkflow
from cwltool.workflow import WorkflowStep
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from airflow_mlcraft.cwl.compile import compile_document, get_process_name
from airflow_mlcraft.cwl.composer.equivalence import find_difference, is_equivalent
from airflow_mlcraft.cwl.composer.losses import ComposerProblem, Losses
from airflow_mlcraft.cwl.composer.names import Names, snake_case
from airflow_mlcraft.cwl.composer.tool import ToolForm, label_and_doc
from airflow_mlcraft.cwl.composer.workflow import WorkflowForm, compute_positions
from airflow_mlcraft.cwl.errors.load_errors import readable_errors
from airflow_mlcraft.cwl.load import LoadedDocument, load
from airflow_mlcraft.cwl.nodes import to_builtin
from airflow_mlcraft.cwl.plan import Json, ToolRef, Workflow
from airflow_mlcraft.cwl.portable import is_generated_id
from airflow_mlcraft.cwl.sources import uri_to_path
from airflow_mlcraft.errors import DocumentError

__all__ = ["ComposerForm", "ComposerProblem", "composer_form"]


@dataclass(frozen=True)
class ComposerForm:
    """The files of the form, the document itself first; none where there are problems."""

    files: dict[str, str]
    """The texts of the files, by paths relative to the folder that they are written for."""
    problems: tuple[ComposerProblem, ...] = ()
    losses: tuple[ComposerProblem, ...] = ()
    """The lost parts, if losses are allowed; the results are the same."""


def composer_form(
    path: Path,
    text: str | None = None,
    *,
    fragment: str = "",
    into: Path | None = None,
    allowed_folders: Collection[Path] | None = None,
    allow_loss: bool = False,
) -> ComposerForm:
    """Convert the document at `path`, which has the content `text`, to Composer's form.

    With `allow_loss`, parts that no result depends on may be lost; the plan of the form is compared with that of the
    document. `into` is another folder to write the form for; existing files there stay as they are.
    `allowed_folders` are the only folders that files are read from, if given. Raises `DocumentError` for a document
    that cannot be used at all.
    """
    path = path.absolute()
    loaded = load(path, fragment, texts=None if text is None else {path: text}, allowed_folders=allowed_folders)
    with readable_errors(path, loaded.sources, fragment):
        writer = _Writer(loaded, into)
        writer.write_root()
    problems = writer.losses.found
    blocking = [loss for loss in problems if not (allow_loss and loss.harmless)]
    if blocking:
        return ComposerForm({}, tuple(blocking))
    form = ComposerForm(writer.texts(), losses=tuple(problems))
    problem = _check_form(form, writer, path)
    return ComposerForm({}, (problem,)) if problem else form


def _check_form(form: ComposerForm, writer: _Writer, path: Path) -> ComposerProblem | None:
    """A problem of the finished form: CWL v1.0 does not allow it, or its plan differs from the document's."""
    texts = {Path(os.path.normpath(writer.folder / name)): text for name, text in form.files.items()}
    try:
        plan, _ = compile_document(load(next(iter(texts)), texts=texts))
    except DocumentError as error:
        return ComposerProblem(f"CWL v1.0 does not allow it: {error.message}", str(path), 1)
    if form.losses and (difference := find_difference(writer.plan, plan.root)):
        return ComposerProblem(f"the form would run otherwise: {difference}", str(path), 1)
    return None


class _Writer:
    """Writes a document and what its steps run, each process into a file."""

    def __init__(self, loaded: LoadedDocument, into: Path | None):
        self.losses = Losses(loaded.path)
        self.folder = (into or loaded.path.parent).absolute()
        self._loaded = loaded
        self._has_target_folder = into is not None
        self.plan = compile_document(loaded)[0].root
        stem = loaded.path.stem + (f"_{loaded.fragment}" if loaded.fragment not in ("", "main") else "")
        self._root = self.folder / f"{stem}.cwl"
        self._tools = self.folder / f"{snake_case(stem)}_tools"
        self._files: dict[Path, Json] = {}

    def write_root(self) -> None:
        """Convert the document, which is the first file, and all that its steps run."""
        process = self._loaded.process
        self._files[self._root] = None
        self._files[self._root] = self._form(process, self.plan, self._root.parent, self._loaded.path.stem)

    def texts(self) -> dict[str, str]:
        """The files; the document's own text if it is in the form already."""
        return {
            os.path.relpath(path, self.folder).replace(os.sep, "/"): self._text(path, form)
            for path, form in self._files.items()
        }

    def _text(self, path: Path, form: Json) -> str:
        original = self._loaded.sources.get(path.as_uri())
        return original if original is not None and is_equivalent(load_yaml(original), form) else dump_yaml(form)

    def _form(self, process: Process, plan: Any, folder: Path, name: str) -> Json:
        """The form of a process as a document of its own in a folder."""
        tool = process.tool
        names = Names(to_builtin(process.metadata.get("$namespaces")) or {}, folder)
        fields = (
            self._workflow(process, plan, folder, names)
            if isinstance(process, CwltoolWorkflow)
            else ToolForm(process, names, self.losses).fields()
        )
        head = {
            "cwlVersion": "v1.0",
            "class": str(tool["class"]),
            "id": snake_case(get_process_name(process) or name),
            **label_and_doc(tool),
        }
        namespaced_fields = names.extras(tool)
        schemas = [names.path(str(each)) for each in to_builtin(process.metadata.get("$schemas")) or ()]
        declared = {"$namespaces": names.namespaces(), **({"$schemas": schemas} if schemas else {})}
        return {**head, **declared, **fields, **namespaced_fields}

    def _workflow(self, process: CwltoolWorkflow, plan: Workflow, folder: Path, names: Names) -> dict[str, Json]:
        runs = {step.id: step.run for step in plan.steps}

        def run_of(step: WorkflowStep) -> str:
            name = urldefrag(str(step.id))[1].rpartition("/")[2]
            file = self._write_step_process(step.embedded_tool, runs[name], name)
            return names.path(file.as_uri())

        return WorkflowForm(process, compute_positions(plan), names, self.losses, run_of).fields()

    def _write_step_process(self, process: Process, plan: ToolRef | Workflow, step: str) -> Path:
        """The file of the process that a step runs: its source file if that is in the form, or else a new one."""
        name = get_process_name(process) or step
        source = self._find_source_file(process)
        if source is not None and not self._has_target_folder:
            saved_files, loss_count = dict(self._files), len(self.losses.found)
            form = self._form(process, plan, source.parent, name)
            if is_equivalent(load_yaml(self._loaded.sources.get(source.as_uri()) or source.read_text("utf-8")), form):
                return source
            self._files = saved_files
            del self.losses.found[loss_count:]
        form = self._form(process, plan, self._tools, name)
        for file, other in self._files.items():
            if file.parent == self._tools and {**other, "id": ""} == {**form, "id": ""}:
                return file
        file, number = self._tools / f"{snake_case(name)}.cwl", 1
        while file in self._files:
            number += 1
            file = self._tools / f"{snake_case(name)}_{number}.cwl"
        self._files[file] = form
        return file

    def _find_source_file(self, process: Process) -> Path | None:
        """The file that contains only this process."""
        uri, _ = urldefrag(str(process.tool["id"]))
        if is_generated_id(str(process.tool["id"])) or not uri.startswith("file:"):
            return None
        path = uri_to_path(uri)
        return path if path != self._loaded.path and path.is_file() else None


def form_to_json(form: ComposerForm) -> Mapping[str, Json]:
    """The form as JSON."""
    problems = [
        {"message": each.message, "line": each.line, "column": each.column, "step": each.step, "severity": "error"}
        for each in form.problems
    ]
    losses = [{"message": each.message, "line": each.line, "step": each.step} for each in form.losses]
    return {"files": form.files, "problems": problems, **({"losses": losses} if losses else {})}


_MAX_LINE_WIDTH = 4096
"""Wide enough that the YAML writer adds no line breaks to expressions."""


def dump_yaml(form: Json) -> str:
    """The text of a document."""
    yaml = YAML()
    yaml.width = _MAX_LINE_WIDTH
    yaml.allow_unicode = True
    out = StringIO()
    yaml.dump(_with_block_scalars(form), out)
    return out.getvalue()


def load_yaml(text: str) -> Json:
    """The values of a document's text."""
    yaml = YAML(pure=True)
    yaml.allow_duplicate_keys = True
    return to_builtin(yaml.load(text))


def _with_block_scalars(node: Json) -> Json:
    if isinstance(node, dict):
        return {key: _with_block_scalars(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_with_block_scalars(item) for item in node]
    if isinstance(node, str) and "\n" in node and _fits_block_scalar(node):
        return LiteralScalarString(node)
    return str(node) if isinstance(node, str) else node


def _fits_block_scalar(text: str) -> bool:
    lines = text.split("\n")
    return not any(line != line.rstrip() or not line.isprintable() for line in lines) and not text.startswith(
        (" ", "\n")
    )
