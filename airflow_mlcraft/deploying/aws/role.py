"""IAM roles of the services of a deployment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from airflow_mlcraft.common.safe_names import with_hash_suffix
from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing, tags_to_dict
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.policies import Policy

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
