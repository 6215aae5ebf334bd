"""IAM roles of the services of a deployment, and policies with the least rights.

The server itself does not call AWS, so its task has no role.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.common.safe_names import with_hash_suffix
from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing, tags_to_dict
from airflow_mlcraft.deploying.aws.changes import Found

Policy = dict[str, Any]
INFRASTRUCTURE_POLICY = "service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"
"""AWS's managed policy for the load balancers, certificates and alarms of a service."""
_INLINE_POLICY = "mlcraft"
_MAX_NAME_LENGTH = 64


def build_role_name(base: str, account: Account, use: str) -> str:
    """The name of a role, with the region, since IAM is shared by all regions; shortened with a hash if too long."""
    name = f"{base}-{account.region}-{use}"
    if len(name) <= _MAX_NAME_LENGTH:
        return name
    return with_hash_suffix(name, _MAX_NAME_LENGTH, separator="-")


@dataclass
class Role:
    """A role with an inline policy, or with managed policies of AWS."""

    account: Account
    owner: Owner
    name: str
    trust: Policy
    policy: Policy | None = None
    managed: tuple[str, ...] = ()
    kind: str = field(default="IAM role")

    def __post_init__(self) -> None:
        self._iam = self.account.client("iam")

    @property
    def arn(self) -> str:
        return f"arn:{self.account.partition}:iam::{self.account.id}:role/{self.name}"

    def find(self) -> Found | None:
        found: Found | None = None
        with ignore_missing("NoSuchEntity"):
            found = dict(self._iam.get_role(RoleName=self.name)["Role"])
        if found is None:
            return None
        self.owner.check(self.kind, self.name, tags_to_dict(found.get("Tags")))
        return {
            "trust": found["AssumeRolePolicyDocument"],
            "policy": self._get_inline_policy(),
            "managed": self._list_attached(),
        }

    def differences(self, found: Found) -> list[str]:
        desired = {"trust": self.trust, "policy": self.policy, "managed": self._desired()}
        texts = {"trust": "who may take it", "policy": "what it may do", "managed": "which policies of AWS's it has"}
        return [texts[name] for name, value in desired.items() if found[name] != value]

    def create(self) -> None:
        self._iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps(self.trust),
            Tags=self.owner.to_tag_list(),
            Description=f"Made by mlcraft for {self.owner.project}",
        )
        self._apply(self.trust, self.policy, self._desired())

    def change(self, found: Found) -> None:
        self._apply(self.trust, self.policy, self._desired())

    def restore(self, found: Found) -> None:
        self._apply(found["trust"], found["policy"], found["managed"])

    def delete(self) -> None:
        with ignore_missing("NoSuchEntity"):
            for arn in self._list_attached():
                self._iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
            for name in self._iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
                self._iam.delete_role_policy(RoleName=self.name, PolicyName=name)
            self._iam.delete_role(RoleName=self.name)

    def _apply(self, trust: Policy, policy: Policy | None, managed: list[str]) -> None:
        self._iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
        if policy is not None:
            self._iam.put_role_policy(RoleName=self.name, PolicyName=_INLINE_POLICY, PolicyDocument=json.dumps(policy))
        attached = self._list_attached()
        for arn in sorted(set(managed) - set(attached)):
            self._iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)
        for arn in sorted(set(attached) - set(managed)):
            self._iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)

    def _desired(self) -> list[str]:
        return sorted(f"arn:{self.account.partition}:iam::aws:policy/{name}" for name in self.managed)

    def _list_attached(self) -> list[str]:
        attached = self._iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        return sorted(str(policy["PolicyArn"]) for policy in attached)

    def _get_inline_policy(self) -> Policy | None:
        with ignore_missing("NoSuchEntity"):
            return dict(self._iam.get_role_policy(RoleName=self.name, PolicyName=_INLINE_POLICY)["PolicyDocument"])
        return None


def build_trust_policy(service: str, account: Account | None = None) -> Policy:
    """A trust policy for one service, limited to one account if the service states the account that it acts for."""
    statement: Policy = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account.id}}
    return _to_document(statement)


def build_task_execution_policy(repository: str, log_group: str, secret: str) -> Policy:
    """Rights to pull the image, write to the log group and read the API key."""
    statements: list[Policy] = [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            "Resource": repository,
        },
        _allow_log_writes(log_group),
    ]
    if secret:
        statements.append({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret})
    return _to_document(*statements)


def build_function_policy(log_group: str) -> Policy:
    """Rights to write to the log group. Lambda itself pulls the image."""
    return _to_document(_allow_log_writes(log_group))


def build_lambda_pull_policy(account: Account) -> Policy:
    """A repository policy that lets Lambda functions of this account pull images."""
    return _to_document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"StringLike": {"aws:sourceArn": account.arn("lambda", "function:*")}},
        }
    )


def _allow_log_writes(log_group: str) -> Policy:
    return {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{log_group}:*"}


def _to_document(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
