"""Deployments to ECS: created, kept, changed, reverted and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_mlcraft.deploying.aws import changes
from airflow_mlcraft.deploying.aws.account import MADE_BY, PROJECT, TARGET, Account
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.targets import Deployment, DeploymentSpec, EcsOptions, build_ecs_deployment
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from tests.deploying.aws.conftest import EMPTY, KEY, REGION, RecordingPush
from tests.deploying.aws.express_mode import ExpressMode
from tests.serving.conftest import LiveServer

Everything = Callable[[], dict[str, list[str]]]
Make = Callable[..., Deployment]


@pytest.fixture
def make(aws: Account, ecs: ExpressMode, recording_push: RecordingPush, content: str) -> Make:
    """A function that builds the deployment of a project, with default values."""

    def deployment(options: EcsOptions | None = None, **other: Any) -> Deployment:
        values = {
            "project": "Iris",
            "name": "iris",
            "content": content,
            "tag": "m1",
            "push_image": recording_push,
            "key": KEY,
            **other,
        }
        retry = Retry(seconds=1, pause=0.01)
        return build_ecs_deployment(aws, DeploymentSpec(**values), options or EcsOptions(), retry, ProgressReporter())

    return deployment


def apply(deployment: Deployment) -> list[tuple[str, str]]:
    return [(change.action, change.kind) for change in changes.apply(deployment.resources, ProgressReporter())]


def plan(deployment: Deployment) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {change.name: (change.action, change.why) for change in changes.plan(deployment.resources)}


def service_of(aws: Account) -> Any:
    arn = aws.arn("ecs", "service/default/mlcraft-iris")
    return aws.client("ecs").describe_express_gateway_service(serviceArn=arn, include=["TAGS"])["service"]


def test_a_plan_makes_nothing(make: Make, list_resources: Everything) -> None:
    planned = plan(make())
    assert {action for action, _ in planned.values()} == {"create"}
    assert list(planned) == [
        "mlcraft/iris",
        "mlcraft/iris:m1",
        "/mlcraft/iris",
        "mlcraft/iris/api-key",
        f"mlcraft-iris-{REGION}-execution",
        f"mlcraft-iris-{REGION}-infrastructure",
        "mlcraft-iris",
    ]
    assert list_resources() == EMPTY


def test_everything_is_made_and_answers(make: Make, aws: Account, ecs: ExpressMode, server: LiveServer) -> None:
    deployment = make()
    assert {action for action, _ in apply(deployment)} == {"create"}
    assert deployment.endpoint.url() == server.url
    found = service_of(aws)
    assert {tag["key"]: tag["value"] for tag in found["tags"]} == {PROJECT: "Iris", TARGET: "aws", MADE_BY: "mlcraft"}
    active = found["activeConfigurations"][0]
    assert (active["cpu"], active["memory"], active["healthCheckPath"]) == ("1024", "2048", "/health/ready")
    container = active["primaryContainer"]
    assert container["image"].startswith(f"{aws.id}.dkr.ecr.{REGION}.amazonaws.com/mlcraft/iris@sha256:")
    assert container["containerPort"] == 8000
    assert container["secrets"][0]["name"] == "MLCRAFT_API_KEY"
    assert KEY not in str(found)


def test_a_second_time_changes_nothing(make: Make, recording_push: RecordingPush, ecs: ExpressMode) -> None:
    apply(make())
    assert {action for action, _ in plan(make()).values()} == {"keep"}
    assert {action for action, _ in apply(make())} == {"keep"}
    assert (len(recording_push.sent), ecs.asked) == (1, ["create"])


def test_what_differs_is_changed(make: Make, aws: Account, recording_push: RecordingPush) -> None:
    apply(make())
    bigger = EcsOptions(memory=4096)
    assert plan(make(bigger, tag="m2")) == {
        "mlcraft/iris": ("keep", ()),
        "mlcraft/iris:m2": ("create", ()),
        "/mlcraft/iris": ("keep", ()),
        "mlcraft/iris/api-key": ("keep", ()),
        f"mlcraft-iris-{REGION}-execution": ("keep", ()),
        f"mlcraft-iris-{REGION}-infrastructure": ("keep", ()),
        "mlcraft-iris": ("change", ("the image or its settings", "the memory")),
    }
    apply(make(bigger, tag="m2"))
    active = service_of(aws)["activeConfigurations"][0]
    assert (active["memory"], len(recording_push.sent)) == ("4096", 2)
    assert {action for action, _ in plan(make(bigger, tag="m2")).values()} == {"keep"}


def test_changes_by_others_are_reverted(make: Make, aws: Account) -> None:
    apply(make())
    name = f"mlcraft-iris-{REGION}-execution"
    aws.client("iam").put_role_policy(
        RoleName=name,
        PolicyName="mlcraft",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
    )
    aws.client("logs").delete_retention_policy(logGroupName="/mlcraft/iris")
    planned = plan(make())
    assert planned[name] == ("change", ("what it may do",))
    assert planned["/mlcraft/iris"] == ("change", ("how long it remembers",))
    apply(make())
    assert {action for action, _ in plan(make()).values()} == {"keep"}


def test_roles_may_do_what_they_need_and_no_more(make: Make, aws: Account) -> None:
    apply(make())
    iam = aws.client("iam")
    policy = iam.get_role_policy(RoleName=f"mlcraft-iris-{REGION}-execution", PolicyName="mlcraft")["PolicyDocument"]
    may = {action: one["Resource"] for one in policy["Statement"] for action in _listed(one["Action"])}
    assert set(may.pop("ecr:GetAuthorizationToken")) == {"*"}
    assert set(may) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    }
    assert all(f":{REGION}:{aws.id}:" in resource and "mlcraft/iris" in resource for resource in may.values())
    assert not any("*" in action for action in may)
    attached = iam.list_attached_role_policies(RoleName=f"mlcraft-iris-{REGION}-infrastructure")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonECSInfrastructureRoleforExpressGatewayServices"]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_a_push_that_fails_leaves_nothing(make: Make, list_resources: Everything) -> None:
    def send(*_: Any) -> str:
        raise DeployingError("the registry is full")

    with pytest.raises(DeployingError, match="the registry is full; all is as it was before"):
        apply(make(push_image=send))
    assert list_resources() == EMPTY


def test_a_first_deployment_that_does_not_come_up_leaves_nothing(
    make: Make, ecs: ExpressMode, list_resources: Everything
) -> None:
    ecs.outcomes = [("ROLLBACK_SUCCESSFUL", "the tasks failed their health checks")]
    with pytest.raises(
        DeployingError, match="could not start mlcraft-iris: the tasks failed .*; all is as it was before"
    ):
        apply(make())
    assert (list_resources(), ecs.services) == (EMPTY, {})


def test_a_new_model_that_does_not_start_is_reverted(
    make: Make, ecs: ExpressMode, aws: Account, list_resources: Everything
) -> None:
    apply(make())
    before, there = service_of(aws)["activeConfigurations"][0], list_resources()
    ecs.outcomes = [("STOPPED", "no capacity")]
    with pytest.raises(DeployingError, match="ECS could not start mlcraft-iris: no capacity; all is as it was before"):
        apply(make(tag="m2"))
    assert list_resources() == there
    after = service_of(aws)["activeConfigurations"][0]
    assert after["primaryContainer"] == before["primaryContainer"]
    assert ecs.asked == ["create", "update"], "ECS has gone back by itself"
    assert {action for action, _ in plan(make()).values()} == {"keep"}


def test_a_service_with_another_model_is_reverted(
    make: Make, ecs: ExpressMode, aws: Account, list_resources: Everything
) -> None:
    """It is healthy for ECS, but serves another model."""
    apply(make())
    before, there = service_of(aws)["activeConfigurations"][0], list_resources()
    with pytest.raises(DeployingError, match="serves the model .*, not 0000.*; all is as it was before"):
        apply(make(tag="m2", content="0000"))
    assert list_resources() == there
    assert service_of(aws)["activeConfigurations"][0]["primaryContainer"] == before["primaryContainer"]
    assert ecs.asked == ["create", "update", "update"]


def test_a_new_key_is_deployed_and_reverted(make: Make, aws: Account, ecs: ExpressMode) -> None:
    apply(make())
    before = service_of(aws)["activeConfigurations"][0]["primaryContainer"]["secrets"]
    assert plan(make(key="another"))["mlcraft/iris/api-key"] == ("change", ("the key in .env is another one",))
    with pytest.raises(DeployingError, match="does not say what it serves: 401 .*; all is as it was before"):
        apply(make(key="another"))  # the server here still has the old one
    assert service_of(aws)["activeConfigurations"][0]["primaryContainer"]["secrets"] == before
    current = {"SecretId": "mlcraft/iris/api-key", "VersionStage": "AWSCURRENT"}
    assert aws.client("secretsmanager").get_secret_value(**current)["SecretString"] == KEY
    assert {action for action, _ in plan(make()).values()} == {"keep"}


def test_a_key_is_generated_if_the_project_has_none(make: Make, aws: Account) -> None:
    with pytest.raises(DeployingError, match="401"):
        apply(make(key=""))  # the server here has another one
    deployment = make(key="")
    assert deployment.key is not None
    deployment.key.create()
    assert len(deployment.key.value()) > 40
    assert plan(make(key=""))["mlcraft/iris/api-key"] == ("keep", ())


def test_a_role_that_is_not_known_everywhere_yet(make: Make, ecs: ExpressMode) -> None:
    ecs.refusals = ["ECS was unable to assume the role of the service."] * 3
    assert {action for action, _ in apply(make())} == {"create"}
    assert ecs.asked == ["create"] * 4


def test_a_service_that_is_refused(make: Make, ecs: ExpressMode, list_resources: Everything) -> None:
    ecs.refusals = ["There is no default VPC in this region."]
    with pytest.raises(
        DeployingError, match=r"AWS refuses CreateExpressGatewayService: There is no default VPC .*; all is"
    ):
        apply(make())
    assert list_resources() == EMPTY


def test_a_deployment_that_takes_too_long(make: Make, ecs: ExpressMode, list_resources: Everything) -> None:
    ecs.outcomes = [("IN_PROGRESS", "")]
    with pytest.raises(
        DeployingError, match="ECS has not started mlcraft-iris within 1 s; give it more time .*; all is"
    ):
        apply(make())
    assert list_resources() == EMPTY


def test_ctrl_c_leaves_nothing(make: Make, list_resources: Everything, ecs: ExpressMode) -> None:
    def send(*_: Any) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(make(push_image=send))
    assert (list_resources(), ecs.services) == (EMPTY, {})


@pytest.mark.parametrize("whose", ["somebody", "another project"])
def test_resources_of_others_are_not_changed(make: Make, aws: Account, list_resources: Everything, whose: str) -> None:
    tags = [{"Key": PROJECT, "Value": "Other"}] if whose == "another project" else []
    aws.client("iam").create_role(
        RoleName=f"mlcraft-iris-{REGION}-execution", AssumeRolePolicyDocument='{"Statement": []}', Tags=tags
    )
    there = list_resources()
    sentence = "it belongs to the project 'Other'" if tags else "mlcraft has not made it"
    for do in (apply, plan, lambda deployment: changes.remove(deployment.resources, ProgressReporter())):
        with pytest.raises(
            DeployingError, match=f"the IAM role .* is there already, and {sentence}; choose another name"
        ):
            do(make())
        assert list_resources() == there


def test_all_of_it_is_deleted_and_nothing_else(
    make: Make, aws: Account, list_resources: Everything, ecs: ExpressMode
) -> None:
    aws.client("ecr").create_repository(repositoryName="mine")
    apply(make())
    deployment = make(tag="none")
    planned = changes.plan_removal(deployment.resources)
    done = changes.remove(deployment.resources, ProgressReporter())
    assert planned == done
    assert [change.kind for change in done] == [
        "ECS service",
        "IAM role",
        "IAM role",
        "secret",
        "log group",
        "ECR repository",
    ]
    assert list_resources() == {**EMPTY, "repositories": ["mine"]}
    assert ecs.services == {}
    assert changes.remove(make(tag="none").resources, ProgressReporter()) == []


def test_open_to_all_needs_no_key(make: Make, aws: Account, list_resources: Everything) -> None:
    with pytest.raises(DeployingError, match="401"):
        apply(make(open=True))  # the server here has a key
    planned = plan(make(open=True))
    assert "mlcraft/iris/api-key" not in planned
