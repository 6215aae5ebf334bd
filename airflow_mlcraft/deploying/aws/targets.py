"""What a deployment is made of, for each target."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_mlcraft.deploying.aws import policies
from airflow_mlcraft.deploying.aws.account import Account, Owner
from airflow_mlcraft.deploying.aws.api_key import ApiKey
from airflow_mlcraft.deploying.aws.changes import Resource
from airflow_mlcraft.deploying.aws.express_service import ExpressService
from airflow_mlcraft.deploying.aws.function import Function, FunctionUrl
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage, Repository, Send
from airflow_mlcraft.deploying.aws.retry import Patience
from airflow_mlcraft.deploying.aws.role import Role, role_name
from airflow_mlcraft.deploying.errors import Watch

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
class Deployed:
    """What is to be served, and how it gets there. Without `tag` and `send` it can only be looked at and removed."""

    project: str
    name: str
    content: str = ""
    tag: str = ""
    machine: str = "x86_64"
    send: Send = field(default=lambda repository, tag, login: "")
    open: bool = False
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Deployment:
    """The parts of a deployment in the order in which they are made; the last but one or the last has the address."""

    resources: tuple[Resource, ...]
    place: ExpressService | FunctionUrl
    key: ApiKey | None = None


def on_ecs(account: Account, what: Deployed, options: EcsOptions, patience: Patience, watch: Watch) -> Deployment:
    """A service of ECS in Express Mode, with a key unless it is open."""
    owner = Owner(what.project, ECS)
    base = f"mlcraft-{what.name}"
    repository = Repository(account, owner, f"mlcraft/{what.name}")
    image = PushedImage(account, repository, what.tag, what.send)
    log_group = LogGroup(account, owner, f"/mlcraft/{what.name}")
    secret = ApiKey(account, owner, f"mlcraft/{what.name}/api-key", what.key)
    key = None if what.open else secret
    execution = Role(
        account,
        owner,
        role_name(base, account, "execution"),
        trust=policies.assumed_by("ecs-tasks.amazonaws.com", account),
        policy=policies.starting_a_task(repository.arn, log_group.arn, key.pattern if key else ""),
    )
    infrastructure = Role(
        account,
        owner,
        role_name(base, account, "infrastructure"),
        trust=policies.assumed_by("ecs.amazonaws.com"),
        managed=(policies.INFRASTRUCTURE,),
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
        machine=what.machine,
        cpu=options.cpu,
        memory=options.memory,
        least=options.min_tasks,
        most=options.max_tasks,
        content=what.content,
        patience=patience,
        watch=watch,
    )
    keys: tuple[Resource, ...] = (key,) if key else ()
    return Deployment((repository, image, log_group, *keys, execution, infrastructure, service), service, key)


def on_lambda(account: Account, what: Deployed, options: LambdaOptions, patience: Patience, watch: Watch) -> Deployment:
    """A function of Lambda with an address, which asks for AWS's own signatures unless it is open."""
    owner = Owner(what.project, LAMBDA)
    base = f"mlcraft-{what.name}"
    repository = Repository(account, owner, f"mlcraft/{what.name}-lambda", policy=policies.fetched_by_lambda(account))
    image = PushedImage(account, repository, what.tag, what.send)
    log_group = LogGroup(account, owner, f"/mlcraft/{what.name}-lambda")
    role = Role(
        account,
        owner,
        role_name(base, account, "function"),
        trust=policies.assumed_by("lambda.amazonaws.com"),
        policy=policies.running_a_function(log_group.arn),
    )
    function = Function(
        account,
        owner,
        base,
        image=image,
        log_group=log_group,
        role=role,
        machine=what.machine,
        memory=options.memory,
        timeout=options.timeout,
        content=what.content,
        patience=patience,
        watch=watch,
    )
    url = FunctionUrl(account, function, what.open)
    return Deployment((repository, image, log_group, role, function, url), url)
