"""The key that requests need: a secret of AWS's Secrets Manager, never an argument or a label."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from airflow_mlcraft.deploying.aws.account import Account, Owner, plain, unless_missing
from airflow_mlcraft.deploying.aws.changes import Found

_CURRENT = "AWSCURRENT"


@dataclass
class ApiKey:
    """The project's own key, or one that is made up once and is to be had from AWS alone."""

    account: Account
    owner: Owner
    name: str
    given: str = field(default="", repr=False)
    kind: str = "secret"
    version: str = field(default="", init=False)
    arn: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._manager = self.account.client("secretsmanager")

    @property
    def pattern(self) -> str:
        """Its ARN in policies: AWS adds six signs of its own."""
        return self.account.arn("secretsmanager", f"secret:{self.name}-??????")

    @property
    def reference(self) -> str:
        """This very version, for a container: another key is another container."""
        return f"{self.arn}:::{self.version}" if self.arn else ""

    def value(self) -> str:
        """The key."""
        return str(self._manager.get_secret_value(SecretId=self.name, VersionStage=_CURRENT)["SecretString"])

    def find(self) -> Found | None:
        found: Found | None = None
        with unless_missing("ResourceNotFoundException"):
            found = dict(self._manager.describe_secret(SecretId=self.name))
        if found is None:
            return None
        self.owner.check(self.kind, self.name, plain(found.get("Tags")))
        current = self._manager.get_secret_value(SecretId=self.name, VersionStage=_CURRENT)
        self.arn, self.version = str(found["ARN"]), str(current["VersionId"])
        return {"value": str(current["SecretString"]), "version": self.version}

    def differences(self, found: Found) -> list[str]:
        return ["the key in .env is another one"] if self.given and found["value"] != self.given else []

    def create(self) -> None:
        made = self._manager.create_secret(
            Name=self.name,
            SecretString=self.given or secrets.token_urlsafe(32),
            Tags=self.owner.pairs(),
            Description=f"The API key of the model {self.owner.project}, made by mlcraft",
        )
        self.arn, self.version = str(made["ARN"]), str(made["VersionId"])

    def change(self, found: Found) -> None:
        changed = self._manager.put_secret_value(SecretId=self.name, SecretString=self.given)
        self.version = str(changed["VersionId"])

    def restore(self, found: Found) -> None:
        self._manager.update_secret_version_stage(
            SecretId=self.name,
            VersionStage=_CURRENT,
            MoveToVersionId=found["version"],
            RemoveFromVersionId=self.version,
        )

    def delete(self) -> None:
        with unless_missing("ResourceNotFoundException"):
            self._manager.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
