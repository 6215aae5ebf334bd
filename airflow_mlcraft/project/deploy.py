"""`deploy`: the champion as a service in AWS; planned, made, and removed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.aws import changes
from airflow_mlcraft.deploying.aws.account import Account, refusals, sign_in
from airflow_mlcraft.deploying.aws.changes import Change
from airflow_mlcraft.deploying.aws.retry import Patience
from airflow_mlcraft.deploying.aws.targets import (
    ECS,
    LAMBDA,
    Deployed,
    Deployment,
    EcsOptions,
    LambdaOptions,
    on_ecs,
    on_lambda,
)
from airflow_mlcraft.deploying.container import engine
from airflow_mlcraft.deploying.errors import DeployingError, Watch
from airflow_mlcraft.deploying.options import read, slug
from airflow_mlcraft.project import build as building
from airflow_mlcraft.project import env_file, external_resources
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.serving.options import KEY_VARIABLE

if TYPE_CHECKING:
    from docker import DockerClient

    from airflow_mlcraft.deploying.image import Prepared

TARGETS = (ECS, LAMBDA)
_TAG_LENGTH = 40


@dataclass(frozen=True)
class DeployRequest:
    """What is asked for on the command line; mlcraft.toml and AWS's own configuration say the rest."""

    target: str = ECS
    region: str = ""
    profile: str = ""
    base: str = ""
    open: bool = False
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class DeployResult:
    """What was done, or would be. `key` is the name of the secret that has the key, where requests need one."""

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


def plan(project: Project, asked: DeployRequest, watch: Watch | None = None) -> DeployResult:
    """What a deployment would make, change and keep. The packages are chosen, but nothing is built."""
    watch = watch or Watch()
    account = _sign_in(project, asked)
    with engine() as client:
        deployment = _build_deployment(project, asked, account, _with_image(project, asked, client, watch), watch)
        return _to_result(project, asked, account, deployment, changes.plan(deployment.resources))


def deploy(project: Project, asked: DeployRequest, watch: Watch | None = None) -> DeployResult:
    """Deploy the champion. When something fails, or the model does not answer, all is as it was before."""
    watch = watch or Watch()
    account = _sign_in(project, asked)
    with engine() as client:
        deployment = _build_deployment(project, asked, account, _with_image(project, asked, client, watch), watch)
        made = changes.apply(deployment.resources, watch)
        external_resources.add_resource(
            project,
            _describe_service(project, asked, account),
            f"`mlcraft deploy {project.name} --to {asked.target} --destroy` removes it, while the project is there",
        )
        return _to_result(project, asked, account, deployment, made)


def plan_removal(project: Project, asked: DeployRequest) -> DeployResult:
    """What `destroy` would delete."""
    account = _sign_in(project, asked)
    deployment = _build_deployment(project, asked, account, _without_image(project, asked), Watch())
    return _to_result(project, asked, account, deployment, changes.plan_removal(deployment.resources))


def destroy(project: Project, asked: DeployRequest, watch: Watch | None = None) -> DeployResult:
    """Delete all that was deployed; what mlcraft has not made for this project is refused."""
    watch = watch or Watch()
    account = _sign_in(project, asked)
    deployment = _build_deployment(project, asked, account, _without_image(project, asked), watch)
    made = changes.remove(deployment.resources, watch)
    external_resources.remove_resource(project, _describe_service(project, asked, account))
    return DeployResult(project.name, asked.target, account.id, account.region, tuple(made))


def _sign_in(project: Project, asked: DeployRequest) -> Account:
    if asked.target not in TARGETS:
        raise DeployingError(f"there is no target {asked.target!r}", f"expected {' or '.join(TARGETS)}")
    return sign_in(asked.region or _read_options(project, asked).region, asked.profile)


def _read_options(project: Project, asked: DeployRequest) -> EcsOptions | LambdaOptions:
    kind: type[EcsOptions | LambdaOptions] = EcsOptions if asked.target == ECS else LambdaOptions
    table = manifests.read_manifest(project).targets.get(asked.target, {})
    return read(kind, table, f"{project.manifest}: targets.{asked.target}")


def _describe_service(project: Project, asked: DeployRequest, account: Account) -> str:
    return (
        f"the service {_service_name(project, asked)} in AWS ({asked.target}, account {account.id}, {account.region})"
    )


def _service_name(project: Project, asked: DeployRequest) -> str:
    return slug(_read_options(project, asked).name or project.name)


def _without_image(project: Project, asked: DeployRequest) -> Deployed:
    return Deployed(project.name, _service_name(project, asked), tag="none")


def _with_image(project: Project, asked: DeployRequest, client: DockerClient, watch: Watch) -> Deployed:
    from airflow_mlcraft.deploying.image import prepare

    options = building.read_image_options(project)
    recipe = building.build_recipe(project, asked.base or options.base, watch)
    prepared = prepare(client, recipe, watch)

    def send(repository: str, tag: str, login: Mapping[str, str]) -> str:
        names = building.choose_tags(project, recipe, options)
        return _push_image(client, prepared, names=names, place=(repository, tag), login=login, watch=watch)

    return Deployed(
        project.name,
        _service_name(project, asked),
        content=recipe.content,
        tag=prepared.identity[:_TAG_LENGTH],
        machine=prepared.base.machine,
        send=send,
        open=asked.open,
        key=env_file.read_env_file(project).get(KEY_VARIABLE, ""),
    )


def _push_image(
    client: DockerClient,
    prepared: Prepared,
    *,
    names: tuple[str, ...],
    place: tuple[str, str],
    login: Mapping[str, str],
    watch: Watch,
) -> str:
    """Build the image if it is not there, and push it; the name that the push needs goes again."""
    from airflow_mlcraft.deploying.image import build
    from airflow_mlcraft.deploying.push import push

    repository, tag = place
    built = build(client, prepared, names, watch)
    client.images.get(built.id).tag(repository, tag)
    try:
        return push(client, repository, tag, watch, login)
    finally:
        client.images.remove(f"{repository}:{tag}", noprune=True)


def _build_deployment(
    project: Project, asked: DeployRequest, account: Account, what: Deployed, watch: Watch
) -> Deployment:
    options = _read_options(project, asked)
    if isinstance(options, EcsOptions):
        return on_ecs(account, what, options, asked.patience, watch)
    return on_lambda(account, what, options, asked.patience, watch)


def _to_result(
    project: Project, asked: DeployRequest, account: Account, deployment: Deployment, made: list[Change]
) -> DeployResult:
    with refusals():
        url = deployment.place.url()
    key = deployment.key.name if deployment.key else ""
    return DeployResult(project.name, asked.target, account.id, account.region, tuple(made), url, key)
