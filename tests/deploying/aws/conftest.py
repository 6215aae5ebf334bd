"""AWS by moto with fake credentials, and a server in place of ECS services."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from airflow_mlcraft.deploying.aws.account import Account, sign_in
from airflow_mlcraft.deploying.aws.role import INFRASTRUCTURE_POLICY
from airflow_mlcraft.serving.model.folder import compute_model_hash
from tests.deploying.aws.express_mode import ExpressMode, express_mode
from tests.serving.conftest import LiveServer, live_server
from tests.serving.models import make

KEY = "server-key-5"
REGION = "eu-central-1"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fake credentials, so that the user's own are never used."""
    use_test_credentials(monkeypatch, tmp_path)


def use_test_credentials(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """The account, shared by all tests, since clients are slow to create."""
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        use_test_credentials(monkeypatch, tmp_path_factory.mktemp("nobody"))
        return sign_in()


@pytest.fixture
def aws(credentials: None, account: Account) -> Iterator[Account]:
    """An empty account. Lambda functions are not run; their responses come from a queue."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        name = INFRASTRUCTURE_POLICY.rpartition("/")[2]
        made = AWSManagedPolicy.from_data(name, account.id, account.region, aws_managed_policies()[name])
        iam_backends[account.id][account.partition].managed_policies[made.arn] = made
        yield account


@functools.cache
def aws_managed_policies() -> Any:
    """AWS's managed policies; moto loads all of them or none."""
    return json.loads(aws_managed_policies_data)


@dataclass
class RecordingPush:
    """A stand-in for pushes by Docker, which adds a manifest to moto's registry and records the push."""

    account: Account
    sent: list[str] = field(default_factory=list)

    def __call__(self, repository: str, tag: str, login: Mapping[str, str]) -> str:
        assert login == {"username": "AWS", "password": f"{self.account.id}-auth-token"}
        self.sent.append(f"{repository}:{tag}")
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "layers": [{"digest": f"sha256:{_hash(tag)}"}],
                "mediaType": _MANIFEST,
                "config": {"digest": f"sha256:{_hash(tag)}", "size": 1},
            }
        )
        put = self.account.client("ecr").put_image(
            repositoryName=repository.partition("/")[2], imageManifest=manifest, imageTag=tag
        )
        return str(put["image"]["imageId"]["imageDigest"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def recording_push(aws: Account) -> RecordingPush:
    return RecordingPush(aws)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("linear", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def content(model: Path) -> str:
    """The hash of the model."""
    return compute_model_hash(model)


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of the model, with an API key."""
    with live_server(tmp_path_factory.mktemp("server"), model, "--name", "iris", MLCRAFT_API_KEY=KEY) as found:
        yield found


@pytest.fixture
def ecs(aws: Account, server: LiveServer) -> Iterator[ExpressMode]:
    """Express Mode with services that lead to the server."""
    with express_mode(server.url) as mode:
        yield mode


@pytest.fixture
def list_resources(aws: Account) -> Callable[[], dict[str, list[str]]]:
    """A function that lists the resources in the account, of the kinds that deployments make."""

    def list_all() -> dict[str, list[str]]:
        iam, ecr, logs = aws.client("iam"), aws.client("ecr"), aws.client("logs")
        repositories = [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]
        return {
            "roles": sorted(one["RoleName"] for one in iam.list_roles()["Roles"]),
            "images": sorted(
                f"{name}:{image['imageTag']}"
                for name in repositories
                for image in ecr.list_images(repositoryName=name)["imageIds"]
            ),
            "repositories": repositories,
            "logs": [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]],
            "secrets": [one["Name"] for one in aws.client("secretsmanager").list_secrets()["SecretList"]],
            "functions": [one["FunctionName"] for one in aws.client("lambda").list_functions()["Functions"]],
        }

    return list_all


EMPTY: dict[str, list[str]] = {
    "roles": [],
    "images": [],
    "repositories": [],
    "logs": [],
    "secrets": [],
    "functions": [],
}
