"""The API key of a deployment as a secret of AWS Secrets Manager."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing, tags_to_dict
from airflow_mlcraft.deploying.aws.changes import Found

_CURRENT = "AWSCURRENT"


@dataclass
class ApiKey:
    """The key configured in the project, or one that is generated once and kept only in AWS."""

    account: Account
    owner: Owner
    name: str
    configured: str = field(default="", repr=False)
    kind: str = "secret"
    version: str = field(default="", init=False)
    arn: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._manager = self.account.client("secretsmanager")

    @property
    def pattern(self) -> str:
        """The ARN for policies; AWS appends six random characters to it."""
        return self.account.arn("secretsmanager", f"secret:{self.name}-??????")

    @property
    def reference(self) -> str:
        """The ARN with the version, for a container: a new key then replaces the container."""
        return f"{self.arn}:::{self.version}" if self.arn else ""

    def value(self) -> str:
        """The key."""
        return str(self._manager.get_secret_value(SecretId=self.name, VersionStage=_CURRENT)["SecretString"])

    def find(self) -> Found | None:
        found: Found | None = None
        with ignore_missing("ResourceNotFoundException"):
            found = dict(self._manager.describe_secret(SecretId=self.name))
        if found is None:
            return None
        self.owner.check(self.kind, self.name, tags_to_dict(found.get("Tags")))
        current = self._manager.get_secret_value(SecretId=self.name, VersionStage=_CURRENT)
        self.arn, self.version = str(found["ARN"]), str(current["VersionId"])
        return {"value": str(current["SecretString"]), "version": self.version}

    def differences(self, found: Found) -> list[str]:
        return ["the key in .env is another one"] if self.configured and found["value"] != self.configured else []

    def create(self) -> None:
        created = self._manager.create_secret(
            Name=self.name,
            SecretString=self.configured or secrets.token_urlsafe(32),
            Tags=self.owner.to_tag_list(),
            Description=f"The API key of the model {self.owner.project}, made by mlcraft",
        )
        self.arn, self.version = str(created["ARN"]), str(created["VersionId"])

    def change(self, found: Found) -> None:
        changed = self._manager.put_secret_value(SecretId=self.name, SecretString=self.configured)
        self.version = str(changed["VersionId"])

    def restore(self, found: Found) -> None:
        self._manager.update_secret_version_stage(
            SecretId=self.name,
            VersionStage=_CURRENT,
            MoveToVersionId=found["version"],
            RemoveFromVersionId=self.version,
        )

    def delete(self) -> None:
        with ignore_missing("ResourceNotFoundException"):
            self._manager.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
