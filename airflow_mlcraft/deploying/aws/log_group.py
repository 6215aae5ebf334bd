"""CloudWatch log groups of a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing
from airflow_mlcraft.deploying.aws.changes import Found

_RETENTION_DAYS = 30


@dataclass
class LogGroup:
    """A log group with a retention of 30 days."""

    account: Account
    owner: Owner
    name: str
    kind: str = "log group"

    def __post_init__(self) -> None:
        self._logs = self.account.client("logs")

    @property
    def arn(self) -> str:
        return self.account.arn("logs", f"log-group:{self.name}")

    def find(self) -> Found | None:
        groups = self._logs.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        found = next((dict(group) for group in groups if group["logGroupName"] == self.name), None)
        if found is not None:
            tags = self._logs.list_tags_for_resource(resourceArn=self.arn)["tags"]
            self.owner.check(self.kind, self.name, tags)
        return found

    def differences(self, found: Found) -> list[str]:
        return [] if found.get("retentionInDays") == _RETENTION_DAYS else ["how long it remembers"]

    def create(self) -> None:
        self._logs.create_log_group(logGroupName=self.name, tags=self.owner.tags)
        self.change({})

    def change(self, found: Found) -> None:
        self._logs.put_retention_policy(logGroupName=self.name, retentionInDays=_RETENTION_DAYS)

    def restore(self, found: Found) -> None:
        if days := found.get("retentionInDays"):
            self._logs.put_retention_policy(logGroupName=self.name, retentionInDays=days)
        else:
            self._logs.delete_retention_policy(logGroupName=self.name)

    def delete(self) -> None:
        with ignore_missing("ResourceNotFoundException"):
            self._logs.delete_log_group(logGroupName=self.name)
