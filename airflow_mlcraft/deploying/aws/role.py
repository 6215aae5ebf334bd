"""Roles that services of AWS take."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from airflow_mlcraft.deploying.aws.account import Account, Owner, plain, unless_missing
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.policies import Policy

_INLINE = "mlcraft"
_LONGEST = 64


def role_name(base: str, account: Account, use: str) -> str:
    """IAM is the same in all regions, so the region is part of the name."""
    name = f"{base}-{account.region}-{use}"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass
class Role:
    """A role with one policy of its own, or with policies of AWS's."""

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
        with unless_missing("NoSuchEntity"):
            found = dict(self._iam.get_role(RoleName=self.name)["Role"])
        if found is None:
            return None
        self.owner.check(self.kind, self.name, plain(found.get("Tags")))
        return {"trust": found["AssumeRolePolicyDocument"], "policy": self._inline(), "managed": self._attached()}

    def differences(self, found: Found) -> list[str]:
        wanted = {"trust": self.trust, "policy": self.policy, "managed": self._wanted()}
        words = {"trust": "who may take it", "policy": "what it may do", "managed": "which policies of AWS's it has"}
        return [words[name] for name, value in wanted.items() if found[name] != value]

    def create(self) -> None:
        self._iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps(self.trust),
            Tags=self.owner.pairs(),
            Description=f"Made by mlcraft for {self.owner.project}",
        )
        self._put(self.trust, self.policy, self._wanted())

    def change(self, found: Found) -> None:
        self._put(self.trust, self.policy, self._wanted())

    def restore(self, found: Found) -> None:
        self._put(found["trust"], found["policy"], found["managed"])

    def delete(self) -> None:
        with unless_missing("NoSuchEntity"):
            for arn in self._attached():
                self._iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
            for name in self._iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
                self._iam.delete_role_policy(RoleName=self.name, PolicyName=name)
            self._iam.delete_role(RoleName=self.name)

    def _put(self, trust: Policy, policy: Policy | None, managed: list[str]) -> None:
        self._iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
        if policy is not None:
            self._iam.put_role_policy(RoleName=self.name, PolicyName=_INLINE, PolicyDocument=json.dumps(policy))
        attached = self._attached()
        for arn in sorted(set(managed) - set(attached)):
            self._iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)
        for arn in sorted(set(attached) - set(managed)):
            self._iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)

    def _wanted(self) -> list[str]:
        return sorted(f"arn:{self.account.partition}:iam::aws:policy/{name}" for name in self.managed)

    def _attached(self) -> list[str]:
        attached = self._iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        return sorted(str(policy["PolicyArn"]) for policy in attached)

    def _inline(self) -> Policy | None:
        with unless_missing("NoSuchEntity"):
            return dict(self._iam.get_role_policy(RoleName=self.name, PolicyName=_INLINE)["PolicyDocument"])
        return None
