"""A service of ECS in Express Mode: from an image, AWS makes the load balancer, the certificate and the scaling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, Owner, plain, unless_missing
from airflow_mlcraft.deploying.aws.api_key import ApiKey
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage
from airflow_mlcraft.deploying.aws.retry import Patience
from airflow_mlcraft.deploying.aws.role import Role
from airflow_mlcraft.deploying.container import PORT
from airflow_mlcraft.deploying.errors import DeployingError, Watch
from airflow_mlcraft.deploying.health import check, over_http
from airflow_mlcraft.serving.options import KEY_VARIABLE

CLUSTER = "default"
_HEALTH = "/health/ready"
_ANSWERS = 300.0
_GONE = ("ResourceNotFoundException", "ServiceNotFoundException", "ClusterNotFoundException")
_FAILED = (
    "STOPPED",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
)
_SAID = {
    "primaryContainer": "the image or its settings",
    "cpu": "the CPU",
    "memory": "the memory",
    "scalingTarget": "how many run at once",
    "healthCheckPath": "where its health is asked",
    "executionRoleArn": "the role that starts it",
}


@dataclass
class ExpressService:
    """The service, in the cluster `default`, which AWS makes where it is not there."""

    account: Account
    owner: Owner
    name: str
    image: PushedImage
    log_group: LogGroup
    key: ApiKey | None
    execution: Role
    infrastructure: Role
    machine: str
    cpu: int
    memory: int
    least: int
    most: int
    content: str
    patience: Patience
    watch: Watch
    kind: str = field(default="ECS service")

    def __post_init__(self) -> None:
        self._ecs = self.account.client("ecs")

    @property
    def arn(self) -> str:
        return self.account.arn("ecs", f"service/{CLUSTER}/{self.name}")

    def find(self) -> Found | None:
        found = self._described()
        if found is None:
            return None
        self.owner.check(self.kind, self.name, plain(found.get("tags"), "key", "value"))
        if found["status"]["statusCode"] == "DRAINING":
            raise DeployingError(f"the ECS service {self.name} is still being deleted", "try again in some minutes")
        return _newest(found)

    def differences(self, found: Found) -> list[str]:
        return [_SAID[name] for name, value in self._wanted().items() if not _same(value, found.get(name))]

    def create(self) -> None:
        before = self._deployments()
        self.patience.with_new_role(
            lambda: self._ecs.create_express_gateway_service(
                serviceName=self.name,
                infrastructureRoleArn=self.infrastructure.arn,
                cpuArchitecture={"x86_64": "X86_64", "aarch64": "ARM64"}[self.machine],
                tags=self.owner.pairs("key", "value"),
                **self._wanted(),
            )
        )
        self._wait(before)
        self._check()

    def change(self, found: Found) -> None:
        self._update(self._wanted())
        self._check()

    def restore(self, found: Found) -> None:
        """ECS may have gone back by itself."""
        before = {name: found[name] for name in _SAID if name in found}
        now = _newest(self._described() or {})
        if not all(_same(value, now.get(name)) for name, value in before.items()):
            self._update(before)

    def delete(self) -> None:
        if self._described() is None:
            return
        with unless_missing(*_GONE):
            self._ecs.delete_express_gateway_service(serviceArn=self.arn)
        self.watch.say(f"Waiting until {self.name} has ended")
        self.patience.wait(f"the ECS service {self.name} has not ended", lambda: self._described() is None or None)

    def url(self) -> str:
        """Where clients ask; empty as long as there is none."""
        found = self._described()
        paths = (_newest(found) if found else {}).get("ingressPaths") or ()
        public = next((str(path["endpoint"]) for path in paths if path["accessType"] == "PUBLIC"), "")
        return public if not public or "://" in public else f"https://{public}"

    def _wanted(self) -> dict[str, Any]:
        container: dict[str, Any] = {
            "image": self.image.uri,
            "containerPort": PORT,
            "awsLogsConfiguration": {"logGroup": self.log_group.name, "logStreamPrefix": "server"},
            "secrets": [{"name": KEY_VARIABLE, "valueFrom": self.key.reference}] if self.key else [],
        }
        return {
            "primaryContainer": container,
            "cpu": str(self.cpu),
            "memory": str(self.memory),
            "scalingTarget": {"minTaskCount": self.least, "maxTaskCount": self.most},
            "healthCheckPath": _HEALTH,
            "executionRoleArn": self.execution.arn,
        }

    def _update(self, values: dict[str, Any]) -> None:
        before = self._deployments()
        self.patience.with_new_role(lambda: self._ecs.update_express_gateway_service(serviceArn=self.arn, **values))
        self._wait(before)

    def _wait(self, before: dict[str, Any]) -> None:
        """Until the new deployment has all the traffic. ECS itself goes back where it does not come up."""
        self.watch.say(f"Waiting until ECS has {self.name} (this takes some minutes)")

        def look() -> Any:
            started = [one for arn, one in self._deployments().items() if arn not in before]
            if not started:
                return None
            newest = max(started, key=lambda one: one["createdAt"])
            if newest["status"] in _FAILED:
                why = newest.get("statusReason") or newest["status"].lower().replace("_", " ")
                raise DeployingError(f"ECS could not start {self.name}: {why}")
            return newest if newest["status"] == "SUCCESSFUL" else None

        self.patience.wait(f"ECS has not started {self.name}", look)

    def _check(self) -> None:
        """The address of a new service is not known everywhere at once: it is asked again for a while."""
        url, key = self.url(), self.key.value() if self.key else ""
        if not url:
            raise DeployingError(f"ECS gives no public address of {self.name}")
        self.watch.say(f"Asking {url}")
        wrong: list[DeployingError] = []

        def look() -> bool | None:
            try:
                check(over_http(url, key), self.content)
            except DeployingError as error:
                wrong.append(error)
                return None
            return True

        try:
            Patience(min(_ANSWERS, self.patience.seconds), self.patience.pause).wait("it does not answer", look)
        except DeployingError as error:
            raise (wrong[-1] if wrong else error) from None

    def _deployments(self) -> dict[str, Any]:
        with unless_missing(*_GONE):
            listed = self._ecs.list_service_deployments(service=self.arn, cluster=CLUSTER)
            return {str(one["serviceDeploymentArn"]): one for one in listed["serviceDeployments"]}
        return {}

    def _described(self) -> Found | None:
        with unless_missing(*_GONE):
            found = dict(self._ecs.describe_express_gateway_service(serviceArn=self.arn, include=["TAGS"])["service"])
            return None if found["status"]["statusCode"] == "INACTIVE" else found
        return None


def _newest(found: Found) -> Found:
    """The configuration that was made last; during a deployment there are two."""
    active = found.get("activeConfigurations") or []
    return dict(max(active, key=lambda one: str(one.get("createdAt", "")))) if active else {}


def _same(wanted: Any, found: Any) -> bool:
    """What is wanted is there; AWS adds values of its own."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_same(value, found.get(name)) for name, value in wanted.items())
    return bool(wanted == found or (not wanted and not found))
