"""Deployments to Lambda. moto runs no functions; their responses come from a queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.awslambda_simple.models import lambda_simple_backends

from airflow_mlcraft.deploying.aws import changes
from airflow_mlcraft.deploying.aws.account import Account
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.targets import Deployment, DeploymentSpec, LambdaOptions, build_lambda_deployment
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from tests.deploying.aws.conftest import EMPTY, REGION, RecordingPush

Everything = Callable[[], dict[str, list[str]]]
Make = Callable[..., Deployment]
QueueResponses = Callable[..., None]


@pytest.fixture
def make(aws: Account, recording_push: RecordingPush, content: str) -> Make:
    def deployment(options: LambdaOptions | None = None, **other: Any) -> Deployment:
        values = {
            "project": "Iris",
            "name": "iris",
            "content": content,
            "tag": "m1",
            "push_image": recording_push,
            **other,
        }
        retry = Retry(seconds=1, pause=0.01)
        return build_lambda_deployment(
            aws, DeploymentSpec(**values), options or LambdaOptions(), retry, ProgressReporter()
        )

    return deployment


@pytest.fixture
def queue_responses(aws: Account, content: str) -> QueueResponses:
    """A function that queues the responses to the next check; by default those of a healthy deployment."""

    def queue(*responses: tuple[int, Any]) -> None:
        good = (
            (200, {"ready": True, "model": content[:12]}),
            (200, {"example": [{"a": 1}]}),
            (200, {"predictions": [0]}),
        )
        backend = lambda_simple_backends[aws.id][aws.region]
        for status, body in responses or good:
            backend.lambda_simple_results_queue.append(json.dumps({"statusCode": status, "body": json.dumps(body)}))

    return queue


def apply(deployment: Deployment) -> dict[str, str]:
    return {change.kind: change.action for change in changes.apply(deployment.resources, ProgressReporter())}


def plan(deployment: Deployment) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {change.kind: (change.action, change.why) for change in changes.plan(deployment.resources)}


def live(aws: Account) -> Any:
    """The version that the alias `live` leads to."""
    functions = aws.client("lambda")
    version = functions.get_alias(FunctionName="mlcraft-iris", Name="live")["FunctionVersion"]
    return functions.get_function(FunctionName="mlcraft-iris", Qualifier=version)


def test_everything_is_made(make: Make, aws: Account, queue_responses: QueueResponses) -> None:
    queue_responses()
    deployment = make()
    assert set(apply(deployment).values()) == {"create"}
    assert deployment.endpoint.url().startswith("https://")
    found = live(aws)
    about = found["Configuration"]
    assert found["Code"]["ImageUri"].startswith(f"{aws.id}.dkr.ecr.{REGION}.amazonaws.com/mlcraft/iris-lambda@sha256:")
    assert (about["MemorySize"], about["Timeout"], about["PackageType"], about["Version"]) == (2048, 60, "Image", "1")
    assert about["ImageConfigResponse"]["ImageConfig"]["EntryPoint"][-2:] == ["--name", "Iris"]
    assert about["Role"].endswith(f"role/mlcraft-iris-{REGION}-function")
    url = aws.client("lambda").get_function_url_config(FunctionName="mlcraft-iris")
    assert url["AuthType"] == "AWS_IAM"


def test_a_second_time_changes_nothing(
    make: Make, queue_responses: QueueResponses, recording_push: RecordingPush
) -> None:
    queue_responses()
    apply(make())
    assert {action for action, _ in plan(make()).values()} == {"keep"}
    assert set(apply(make()).values()) == {"keep"}
    assert len(recording_push.sent) == 1


def test_a_new_model_is_a_new_version(make: Make, aws: Account, queue_responses: QueueResponses) -> None:
    queue_responses()
    apply(make())
    first = live(aws)["Code"]["ImageUri"]
    queue_responses()
    bigger = LambdaOptions(memory=3008)
    assert plan(make(bigger, tag="m2"))["Lambda function"] == ("change", ("the image", "the memory"))
    apply(make(bigger, tag="m2"))
    assert live(aws)["Configuration"]["MemorySize"] == 3008
    assert live(aws)["Code"]["ImageUri"] != first


def test_only_the_previous_version_is_kept(make: Make, aws: Account, queue_responses: QueueResponses) -> None:
    for tag in ("m1", "m2", "m3"):
        queue_responses()
        apply(make(tag=tag))
    versions = aws.client("lambda").list_versions_by_function(FunctionName="mlcraft-iris")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "2", "3"]


@pytest.mark.parametrize(
    ("responses", "sentence"),
    [
        ([(503, {"ready": False})], "is not ready: 503"),
        ([(200, {"ready": True, "model": "0000"})], "serves the model 0000, not"),
        ([(200, {"ready": True, "model": None})], "serves the model None, not"),
    ],
)
def test_a_new_model_that_fails_never_gets_a_request(  # noqa: PLR0917
    make: Make,
    aws: Account,
    queue_responses: QueueResponses,
    list_resources: Everything,
    responses: list[Any],
    sentence: str,
) -> None:
    queue_responses()
    apply(make())
    before, there = live(aws), list_resources()
    queue_responses(*responses)
    with pytest.raises(DeployingError, match=f"{sentence}.*; all is as it was before"):
        apply(make(tag="m2"))
    assert live(aws)["Code"] == before["Code"]
    assert list_resources() == there
    versions = aws.client("lambda").list_versions_by_function(FunctionName="mlcraft-iris")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1"]
    assert {action for action, _ in plan(make()).values()} == {"keep"}


def test_a_first_deployment_that_fails_leaves_nothing(
    make: Make, queue_responses: QueueResponses, list_resources: Everything
) -> None:
    queue_responses((500, {"error": "no"}))
    with pytest.raises(DeployingError, match="is not ready: 500 .*; all is as it was before"):
        apply(make())
    assert list_resources() == EMPTY


def test_open_to_all(make: Make, aws: Account, queue_responses: QueueResponses) -> None:
    queue_responses()
    apply(make())
    assert plan(make(open=True))["function URL"] == ("change", ("who may ask",))
    apply(make(open=True))
    functions = aws.client("lambda")
    statements = json.loads(functions.get_policy(FunctionName="mlcraft-iris", Qualifier="live")["Policy"])["Statement"]
    assert [one["Action"] for one in statements] == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
    apply(make())
    assert functions.get_function_url_config(FunctionName="mlcraft-iris")["AuthType"] == "AWS_IAM"
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_policy(FunctionName="mlcraft-iris", Qualifier="live")


def test_all_of_it_is_deleted(make: Make, queue_responses: QueueResponses, list_resources: Everything) -> None:
    queue_responses()
    apply(make())
    done = [change.kind for change in changes.remove(make(tag="none").resources, ProgressReporter())]
    assert done == ["function URL", "Lambda function", "IAM role", "log group", "ECR repository"]
    assert list_resources() == EMPTY
