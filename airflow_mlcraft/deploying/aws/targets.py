"""The targets of a deployment, ECS and Lambda: their options and resources."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_mlcraft.deploying.aws.account import Account, Owner
from airflow_mlcraft.deploying.aws.api_key import ApiKey
from airflow_mlcraft.deploying.aws.changes import Resource
from airflow_mlcraft.deploying.aws.express_service import ExpressService
from airflow_mlcraft.deploying.aws.function import Function, FunctionUrl
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage, PushImage, Repository
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.role import (
    INFRASTRUCTURE_POLICY,
    Role,
    build_function_policy,
    build_lambda_pull_policy,
    build_role_name,
    build_task_execution_policy,
    build_trust_policy,
)
from airflow_mlcraft.deploying.errors import ProgressReporter

ECS, LAMBDA = "aws", "aws-lambda"


@dataclass(frozen=True)
class EcsOptions:
    """[targets.aws] of mlcraft.toml. `cpu` is in 1024ths of a processor, `memory` in MiB."""

    region: str = ""
    name: str = ""
    cpu: int = 1024
    memory: int = 2048
    min_tasks: int = 1
    max_tasks: int = 4


@dataclass(frozen=True)
class LambdaOptions:
    """[targets.aws-lambda] of mlcraft.toml. `memory` is in MiB, and `timeout` in seconds."""

    region: str = ""
    name: str = ""
    memory: int = 2048
    timeout: int = 60


@dataclass(frozen=True)
class DeploymentSpec:
    """The model to deploy and how its image is pushed. Without `push_image` it can only be planned and removed."""

    project: str
    name: str
    content: str = ""
    tag: str = ""
    machine: str = "x86_64"
    push_image: PushImage = field(default=lambda repository, tag, login: "")
    open: bool = False
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Deployment:
    """The resources of a deployment in the order of their creation. `endpoint` is the one with the address."""

    resources: tuple[Resource, ...]
    endpoint: ExpressService | FunctionUrl
    key: ApiKey | None = None


def build_ecs_deployment(
    account: Account, spec: DeploymentSpec, options: EcsOptions, retry: Retry, progress: ProgressReporter
) -> Deployment:
    """An ECS service in Express Mode, with an API key unless it is open."""
    owner = Owner(spec.project, ECS)
    base = f"mlcraft-{spec.name}"
    repository = Repository(account, owner, f"mlcraft/{spec.name}")
    image = PushedImage(account, repository, spec.tag, spec.push_image)
    log_group = LogGroup(account, owner, f"/mlcraft/{spec.name}")
    secret = ApiKey(account, owner, f"mlcraft/{spec.name}/api-key", spec.key)
    key = None if spec.open else secret
    execution = Role(
        account,
        owner,
        build_role_name(base, account, "execution"),
        trust=build_trust_policy("ecs-tasks.amazonaws.com", account),
        policy=build_task_execution_policy(repository.arn, log_group.arn, key.pattern if key else ""),
    )
    infrastructure = Role(
        account,
        owner,
        build_role_name(base, account, "infrastructure"),
        trust=build_trust_policy("ecs.amazonaws.com"),
        managed=(INFRASTRUCTURE_POLICY,),
    )
    service = ExpressService(
        account,
        owner,
        base,
        image=image,
        log_group=log_group,
        key=key,
        execution=execution,
        infrastructure=infrastructure,
        machine=spec.machine,
        cpu=options.cpu,
        memory=options.memory,
        least=options.min_tasks,
        most=options.max_tasks,
        content=spec.content,
        retry=retry,
        progress=progress,
    )
    keys: tuple[Resource, ...] = (key,) if key else ()
    return Deployment((repository, image, log_group, *keys, execution, infrastructure, service), service, key)


def build_lambda_deployment(
    account: Account, spec: DeploymentSpec, options: LambdaOptions, retry: Retry, progress: ProgressReporter
) -> Deployment:
    """A Lambda function with a URL, which needs requests signed for AWS unless it is open."""
    owner = Owner(spec.project, LAMBDA)
    base = f"mlcraft-{spec.name}"
    repository = Repository(account, owner, f"mlcraft/{spec.name}-lambda", policy=build_lambda_pull_policy(account))
    image = PushedImage(account, repository, spec.tag, spec.push_image)
    log_group = LogGroup(account, owner, f"/mlcraft/{spec.name}-lambda")
    role = Role(
        account,
        owner,
        build_role_name(base, account, "function"),
        trust=build_trust_policy("lambda.amazonaws.com"),
        policy=build_function_policy(log_group.arn),
    )
    function = Function(
        account,
        owner,
        base,
        image=image,
        log_group=log_group,
        role=role,
        machine=spec.machine,
        memory=options.memory,
        timeout=options.timeout,
        content=spec.content,
        retry=retry,
        progress=progress,
    )
    url = FunctionUrl(account, function, spec.open)
    return Deployment((repository, image, log_group, role, function, url), url)
