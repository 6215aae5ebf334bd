"""The verb `build`: a Docker image with the champion and its inference server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft import __version__
from airflow_mlcraft.common import python_environments
from airflow_mlcraft.deploying.build_context import ImageRecipe
from airflow_mlcraft.deploying.container import PROJECT, docker_client
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.image import Image, check_tag
from airflow_mlcraft.deploying.options import parse_options, to_slug
from airflow_mlcraft.deploying.pins import read_python_version
from airflow_mlcraft.project import dependencies, env_file, external_resources, run_records
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.training import require_champion
from airflow_mlcraft.serving.model.folder import read_model_folder
from airflow_mlcraft.serving.options import KEY_VARIABLE
from airflow_mlcraft.tracking.trusted_types import TRUSTED, read_signed_types
from airflow_mlcraft.tracking.user_process import TRUSTED_CODE, is_trusted, read_process

if TYPE_CHECKING:
    from docker import DockerClient

IMAGE_TARGET = "image"
_TAG_LENGTH = 12


@dataclass(frozen=True)
class ImageOptions:
    """The options under [targets.image] of mlcraft.toml."""

    base: str = ""
    tag: str = ""


@dataclass(frozen=True)
class BuiltImage:
    """A built image, its digests in registries by tag, and the container and its address if it was started."""

    project: str
    image: Image
    pushed: dict[str, str]
    container: str = ""
    url: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "project": self.project,
            **self.image.to_json(),
            "pushed": self.pushed,
            "container": self.container,
            "url": self.url,
        }


def build_image(
    project: Project,
    *,
    base: str = "",
    tags: Sequence[str] = (),
    push: bool = False,
    run: bool = False,
    host: str = "127.0.0.1",
    port: int | None = None,
    progress: ProgressReporter | None = None,
) -> BuiltImage:
    """Build the image of the champion and test it; optionally push it and start a container."""
    from airflow_mlcraft.deploying import image as images
    from airflow_mlcraft.deploying.image import push as push_to_registry

    progress = progress or ProgressReporter()
    options = read_image_options(project)
    recipe = build_recipe(project, base or options.base, progress)
    tags_to_set = tuple(tags) or choose_tags(project, recipe, options)
    for name in tags_to_set:
        check_tag(name)
    if push and not any("/" in name for name in tags_to_set):
        raise DeployingError(
            f"{tags_to_set[0]} has no registry that it could be pushed to", "name one with --tag REGISTRY/NAME:TAG"
        )
    with docker_client() as client:
        image = images.build(client, images.prepare(client, recipe, progress), tags_to_set, progress)
        for name in tags_to_set:
            external_resources.add_resource(project, f"the image {name}", f"`docker image rm {name}` removes it")
        pushed = {}
        if push:
            for name in tags_to_set:
                repository, tag = images.split_tag(name)
                pushed[name] = push_to_registry(client, repository, tag, progress)
                external_resources.add_resource(project, f"the image {name} in its registry", "")
        built = BuiltImage(project.name, image, pushed)
        return _start_container(client, project, built, host=host, port=port, progress=progress) if run else built


def build_recipe(project: Project, base: str = "", progress: ProgressReporter | None = None) -> ImageRecipe:
    """Collect the contents of the image: the model, its Python, requirements, labels and environment variables."""
    champion = require_champion(project)
    progress = progress or ProgressReporter()
    model = read_model_folder(champion)
    environment = dependencies.prepare_environment(project, progress.start)
    return ImageRecipe(
        name=project.name,
        model=champion,
        content=model.content,
        python=environment.python if environment else Path(sys.executable),
        base=base or _default_base(champion),
        requirements=tuple(python_environments.read_requirements(project.requirements)),
        labels=_build_labels(project, model.content),
        environment=_trusted_environment(project, model.path / model.estimator_file),
    )


def read_image_options(project: Project) -> ImageOptions:
    """Read [targets.image] of mlcraft.toml."""
    return parse_options(
        ImageOptions,
        manifests.read_manifest(project).targets.get(IMAGE_TARGET, {}),
        f"{project.manifest}: targets.{IMAGE_TARGET}",
    )


def choose_tags(project: Project, recipe: ImageRecipe, options: ImageOptions) -> tuple[str, ...]:
    """The tag of mlcraft.toml, or the name with the model's content hash and with `latest`."""
    if ":" in options.tag.rpartition("/")[2]:
        return (options.tag,)
    name = options.tag or to_slug(project.name)
    return (f"{name}:{recipe.content[:_TAG_LENGTH]}", f"{name}:latest")


def container_name(project: Project) -> str:
    """The name of the container that `--run` starts."""
    return f"mlcraft-{to_slug(project.name)}"


def _start_container(
    client: DockerClient,
    project: Project,
    built: BuiltImage,
    *,
    host: str,
    port: int | None,
    progress: ProgressReporter,
) -> BuiltImage:
    from airflow_mlcraft.deploying.container import run_container

    key = env_file.read_env_file(project).get(KEY_VARIABLE) or os.environ.get(KEY_VARIABLE, "")
    environment = {KEY_VARIABLE: key} if key else {}
    name = container_name(project)
    running = run_container(
        client, built.image.id, name, progress, project=project.name, host=host, port=port, environment=environment
    )
    external_resources.add_resource(
        project, f"the container {running.name}", f"`docker rm --force {running.name}` removes it"
    )
    return replace(built, container=running.name, url=running.url)


def _default_base(model: Path) -> str:
    python = read_python_version(model) or ".".join(map(str, sys.version_info[:2]))
    return f"python:{python}-slim"


def _trusted_environment(project: Project, file: Path) -> dict[str, str]:
    """Environment variables with the types and the code that the server may load: those listed and those signed."""
    listed = env_file.read_env_file(project).get(TRUSTED) or os.environ.get(TRUSTED, "")
    types = {name.strip() for name in listed.split(",") if name.strip()} | read_signed_types(file)
    environment = {TRUSTED: ",".join(sorted(types))} if types else {}
    process = read_process(file.parent)
    if process is not None and is_trusted(process):
        environment[TRUSTED_CODE] = str(process["sha256"])
    return environment


def _build_labels(project: Project, content: str) -> dict[str, str]:
    manifest = manifests.read_manifest(project)
    run, data, commit = _find_origin(project)
    labels = {
        "org.opencontainers.image.title": manifest.title,
        "org.opencontainers.image.version": content[:_TAG_LENGTH],
        "org.opencontainers.image.revision": commit,
        PROJECT: project.name,
        "mlcraft.model": content,
        "mlcraft.run": run,
        "mlcraft.data": data,
        "mlcraft.version": __version__,
    }
    return {name: value for name, value in labels.items() if value}


def _find_origin(project: Project) -> tuple[str, str, str]:
    """Find run, data and commit of the champion; "" if this machine has no record of them."""
    run = data = commit = ""
    for record in reversed(run_records.load_records(project)):
        if not record.ok or record.kept or not record.champion:
            continue
        run, commit, data = run or record.run_id, commit or record.commit, data or record.data
        if data:
            break
    return run, data, commit
