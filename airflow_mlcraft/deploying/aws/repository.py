"""ECR repositories, and the model's image in one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing, tags_to_dict
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.role import Policy

_KEPT_IMAGES = 10
PushImage = Callable[[str, str, Mapping[str, str]], str]
"""Pushes the image to a repository under a tag, with a login; returns its digest."""


@dataclass
class Repository:
    """An ECR repository with immutable tags, which keeps the newest images only."""

    account: Account
    owner: Owner
    name: str
    policy: Policy | None = None
    kind: str = "ECR repository"

    def __post_init__(self) -> None:
        self._ecr = self.account.client("ecr")

    @property
    def arn(self) -> str:
        return self.account.arn("ecr", f"repository/{self.name}")

    def find(self) -> Found | None:
        found: Found | None = None
        with ignore_missing("RepositoryNotFoundException"):
            found = dict(self._ecr.describe_repositories(repositoryNames=[self.name])["repositories"][0])
        if found is None:
            return None
        tags = tags_to_dict(self._ecr.list_tags_for_resource(resourceArn=self.arn)["tags"])
        self.owner.check(self.kind, self.name, tags)
        found["lifecycle"], found["policy"] = None, None
        with ignore_missing("LifecyclePolicyNotFoundException"):
            found["lifecycle"] = json.loads(
                self._ecr.get_lifecycle_policy(repositoryName=self.name)["lifecyclePolicyText"]
            )
        with ignore_missing("RepositoryPolicyNotFoundException"):
            found["policy"] = json.loads(self._ecr.get_repository_policy(repositoryName=self.name)["policyText"])
        return found

    def differences(self, found: Found) -> list[str]:
        lifecycle = [] if found["lifecycle"] == _LIFECYCLE else ["which images go"]
        return lifecycle + ([] if self.policy is None or found["policy"] == self.policy else ["who may fetch images"])

    def create(self) -> None:
        self._ecr.create_repository(
            repositoryName=self.name,
            tags=self.owner.to_tag_list(),
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
        )
        self.change({})

    def change(self, found: Found) -> None:
        self._apply(_LIFECYCLE, self.policy)

    def restore(self, found: Found) -> None:
        self._apply(found["lifecycle"], found["policy"])

    def delete(self) -> None:
        with ignore_missing("RepositoryNotFoundException"):
            self._ecr.delete_repository(repositoryName=self.name, force=True)

    def _apply(self, lifecycle: Policy | None, policy: Policy | None) -> None:
        if lifecycle is not None:
            self._ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=json.dumps(lifecycle))
        if policy is not None:
            self._ecr.set_repository_policy(repositoryName=self.name, policyText=json.dumps(policy))


@dataclass
class PushedImage:
    """The model's image under a tag of its identity, so that it is pushed once."""

    account: Account
    repository: Repository
    tag: str
    push_image: PushImage
    kind: str = "image"
    digest: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._ecr = self.account.client("ecr")

    @property
    def name(self) -> str:
        return f"{self.repository.name}:{self.tag}"

    @property
    def uri(self) -> str:
        """The URI with the digest; empty before the push."""
        return f"{self._repository_uri()}@{self.digest}" if self.digest else ""

    def find(self) -> Found | None:
        with ignore_missing("ImageNotFoundException", "RepositoryNotFoundException"):
            image = {"repositoryName": self.repository.name, "imageIds": [{"imageTag": self.tag}]}
            found = dict(self._ecr.describe_images(**image)["imageDetails"][0])
            self.digest = str(found["imageDigest"])
            return found
        return None

    def differences(self, found: Found) -> list[str]:
        return []

    def create(self) -> None:
        token = self._ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        self.digest = self.push_image(self._repository_uri(), self.tag, {"username": user, "password": password})

    def change(self, found: Found) -> None:
        """Nothing to do: tags are immutable."""

    def restore(self, found: Found) -> None:
        """Nothing to do, as in `change`."""

    def delete(self) -> None:
        with ignore_missing("ImageNotFoundException", "RepositoryNotFoundException"):
            self._ecr.batch_delete_image(repositoryName=self.repository.name, imageIds=[{"imageTag": self.tag}])

    def _repository_uri(self) -> str:
        described: Any = self._ecr.describe_repositories(repositoryNames=[self.repository.name])
        return str(described["repositories"][0]["repositoryUri"])


_LIFECYCLE: Policy = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"Keep the newest {_KEPT_IMAGES} images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": _KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}
