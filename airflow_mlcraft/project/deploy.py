"""The verb `deploy`: the champion as a service in AWS, planned, deployed or removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.aws import changes
from airflow_mlcraft.deploying.aws.account import Account, aws_errors, sign_in
from airflow_mlcraft.deploying.aws.changes import Change
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.targets import (
    ECS,
    LAMBDA,
    Deployment,
    DeploymentSpec,
    EcsOptions,
    LambdaOptions,
    build_ecs_deployment,
    build_lambda_deployment,
)
from airflow_mlcraft.deploying.container import docker_client
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.options import parse_options, to_slug
from airflow_mlcraft.project import build as building
from airflow_mlcraft.project import env_file, external_resources
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.serving.options import KEY_VARIABLE

if TYPE_CHECKING:
    from docker import DockerClient

    from airflow_mlcraft.deploying.image import PreparedImage

TARGETS = (ECS, LAMBDA)
_TAG_LENGTH = 40


@dataclass(frozen=True)
class DeployRequest:
    """The options of the command line; mlcraft.toml and the configuration of AWS have the rest."""

    target: str = ECS
    region: str = ""
    profile: str = ""
    base: str = ""
    open: bool = False
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True)
class DeployResult:
    """The changes that were made or planned. `key` is the name of the secret with the API key, if one is required."""

    project: str
    target: str
    account: str
    region: str
    changes: tuple[Change, ...]
    url: str = ""
    key: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "target": self.target,
            "account": self.account,
            "region": self.region,
            "changes": [change.to_json() for change in self.changes],
            "url": self.url,
            "key": self.key,
        }


def plan(project: Project, request: DeployRequest, progress: ProgressReporter | None = None) -> DeployResult:
    """List what a deployment would create, change and keep. Packages are resolved, but no image is built."""
    progress = progress or ProgressReporter()
    account = _sign_in(project, request)
    with docker_client() as client:
        deployment = _build_deployment(
            project, request, account, _with_image(project, request, client, progress), progress
        )
        return _to_result(project, request, account, deployment, changes.plan(deployment.resources))


def deploy(project: Project, request: DeployRequest, progress: ProgressReporter | None = None) -> DeployResult:
    """Deploy the champion. If a step fails or the model does not answer, the previous state is restored."""
    progress = progress or ProgressReporter()
    account = _sign_in(project, request)
    with docker_client() as client:
        deployment = _build_deployment(
            project, request, account, _with_image(project, request, client, progress), progress
        )
        applied = changes.apply(deployment.resources, progress)
        external_resources.add_resource(
            project,
            _describe_service(project, request, account),
            f"`mlcraft deploy {project.name} --to {request.target} --destroy` removes it, while the project is there",
        )
        return _to_result(project, request, account, deployment, applied)


def plan_removal(project: Project, request: DeployRequest) -> DeployResult:
    """List what `destroy` would delete."""
    account = _sign_in(project, request)
    deployment = _build_deployment(project, request, account, _without_image(project, request), ProgressReporter())
    return _to_result(project, request, account, deployment, changes.plan_removal(deployment.resources))


def destroy(project: Project, request: DeployRequest, progress: ProgressReporter | None = None) -> DeployResult:
    """Delete all that was deployed. Resources that mlcraft has not created for this project are refused."""
    progress = progress or ProgressReporter()
    account = _sign_in(project, request)
    deployment = _build_deployment(project, request, account, _without_image(project, request), progress)
    removed = changes.remove(deployment.resources, progress)
    external_resources.remove_resource(project, _describe_service(project, request, account))
    return DeployResult(project.name, request.target, account.id, account.region, tuple(removed))


def _sign_in(project: Project, request: DeployRequest) -> Account:
    if request.target not in TARGETS:
        raise DeployingError(f"there is no target {request.target!r}", f"expected {' or '.join(TARGETS)}")
    return sign_in(request.region or _read_options(project, request).region, request.profile)


def _read_options(project: Project, request: DeployRequest) -> EcsOptions | LambdaOptions:
    kind: type[EcsOptions | LambdaOptions] = EcsOptions if request.target == ECS else LambdaOptions
    table = manifests.read_manifest(project).targets.get(request.target, {})
    return parse_options(kind, table, f"{project.manifest}: targets.{request.target}")


def _describe_service(project: Project, request: DeployRequest, account: Account) -> str:
    name = _service_name(project, request)
    return f"the service {name} in AWS ({request.target}, account {account.id}, {account.region})"


def _service_name(project: Project, request: DeployRequest) -> str:
    return to_slug(_read_options(project, request).name or project.name)


def _without_image(project: Project, request: DeployRequest) -> DeploymentSpec:
    return DeploymentSpec(project.name, _service_name(project, request), tag="none")


def _with_image(
    project: Project, request: DeployRequest, client: DockerClient, progress: ProgressReporter
) -> DeploymentSpec:
    from airflow_mlcraft.deploying.image import prepare

    options = building.read_image_options(project)
    recipe = building.build_recipe(project, request.base or options.base, progress)
    prepared = prepare(client, recipe, progress)

    def push_image(repository: str, tag: str, login: Mapping[str, str]) -> str:
        names = building.choose_tags(project, recipe, options)
        return _push_image(client, prepared, names=names, target=(repository, tag), login=login, progress=progress)

    return DeploymentSpec(
        project.name,
        _service_name(project, request),
        content=recipe.content,
        tag=prepared.identity[:_TAG_LENGTH],
        machine=prepared.base.machine,
        push_image=push_image,
        open=request.open,
        key=env_file.read_env_file(project).get(KEY_VARIABLE, ""),
    )


def _push_image(
    client: DockerClient,
    prepared: PreparedImage,
    *,
    names: tuple[str, ...],
    target: tuple[str, str],
    login: Mapping[str, str],
    progress: ProgressReporter,
) -> str:
    """Build the image if it does not exist, and push it under a temporary tag."""
    from airflow_mlcraft.deploying.image import build, push

    repository, tag = target
    built = build(client, prepared, names, progress)
    client.images.get(built.id).tag(repository, tag)
    try:
        return push(client, repository, tag, progress, login)
    finally:
        client.images.remove(f"{repository}:{tag}", noprune=True)


def _build_deployment(
    project: Project, request: DeployRequest, account: Account, spec: DeploymentSpec, progress: ProgressReporter
) -> Deployment:
    options = _read_options(project, request)
    if isinstance(options, EcsOptions):
        return build_ecs_deployment(account, spec, options, request.retry, progress)
    return build_lambda_deployment(account, spec, options, request.retry, progress)


def _to_result(
    project: Project, request: DeployRequest, account: Account, deployment: Deployment, applied: list[Change]
) -> DeployResult:
    with aws_errors():
        url = deployment.endpoint.url()
    key = deployment.key.name if deployment.key else ""
    return DeployResult(project.name, request.target, account.id, account.region, tuple(applied), url, key)
