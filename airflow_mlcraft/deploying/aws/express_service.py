"""ECS services in Express Mode: AWS provides load balancer, certificate and scaling for an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing, tags_to_dict
from airflow_mlcraft.deploying.aws.api_key import ApiKey
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.role import Role
from airflow_mlcraft.deploying.container import PORT
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.health import check_deployment, http_sender
from airflow_mlcraft.serving.options import KEY_VARIABLE

CLUSTER = "default"
_HEALTH_PATH = "/health/ready"
_ANSWER_SECONDS = 300.0
_NOT_FOUND_CODES = ("ResourceNotFoundException", "ServiceNotFoundException", "ClusterNotFoundException")
_FAILED_STATUSES = (
    "STOPPED",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
)
_DIFFERENCE_TEXTS = {
    "primaryContainer": "the image or its settings",
    "cpu": "the CPU",
    "memory": "the memory",
    "scalingTarget": "how many run at once",
    "healthCheckPath": "where its health is asked",
    "executionRoleArn": "the role that starts it",
}


@dataclass
class ExpressService:
    """The service, in the cluster `default`, which AWS creates on demand."""

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
    retry: Retry
    progress: ProgressReporter
    kind: str = field(default="ECS service")

    def __post_init__(self) -> None:
        self._ecs = self.account.client("ecs")

    @property
    def arn(self) -> str:
        return self.account.arn("ecs", f"service/{CLUSTER}/{self.name}")

    def find(self) -> Found | None:
        found = self._describe()
        if found is None:
            return None
        self.owner.check(self.kind, self.name, tags_to_dict(found.get("tags"), "key", "value"))
        if found["status"]["statusCode"] == "DRAINING":
            raise DeployingError(f"the ECS service {self.name} is still being deleted", "try again in some minutes")
        return _get_newest_configuration(found)

    def differences(self, found: Found) -> list[str]:
        return [
            _DIFFERENCE_TEXTS[name] for name, value in self._desired().items() if not _matches(value, found.get(name))
        ]

    def create(self) -> None:
        before = self._list_deployments()
        self.retry.with_new_role(
            lambda: self._ecs.create_express_gateway_service(
                serviceName=self.name,
                infrastructureRoleArn=self.infrastructure.arn,
                cpuArchitecture={"x86_64": "X86_64", "aarch64": "ARM64"}[self.machine],
                tags=self.owner.to_tag_list("key", "value"),
                **self._desired(),
            )
        )
        self._wait_for_deployment(before)
        self._check_health()

    def change(self, found: Found) -> None:
        self._update(self._desired())
        self._check_health()

    def restore(self, found: Found) -> None:
        """Update the service to the state found, unless ECS has rolled back by itself."""
        before = {name: found[name] for name in _DIFFERENCE_TEXTS if name in found}
        now = _get_newest_configuration(self._describe() or {})
        if not all(_matches(value, now.get(name)) for name, value in before.items()):
            self._update(before)

    def delete(self) -> None:
        if self._describe() is None:
            return
        with ignore_missing(*_NOT_FOUND_CODES):
            self._ecs.delete_express_gateway_service(serviceArn=self.arn)
        self.progress.start(f"Waiting until {self.name} has ended")
        self.retry.wait(f"the ECS service {self.name} has not ended", lambda: self._describe() is None or None)

    def url(self) -> str:
        """The public address; empty if there is none yet."""
        found = self._describe()
        paths = (_get_newest_configuration(found) if found else {}).get("ingressPaths") or ()
        public = next((str(path["endpoint"]) for path in paths if path["accessType"] == "PUBLIC"), "")
        return public if not public or "://" in public else f"https://{public}"

    def _desired(self) -> dict[str, Any]:
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
            "healthCheckPath": _HEALTH_PATH,
            "executionRoleArn": self.execution.arn,
        }

    def _update(self, values: dict[str, Any]) -> None:
        previous = self._list_deployments()
        self.retry.with_new_role(lambda: self._ecs.update_express_gateway_service(serviceArn=self.arn, **values))
        self._wait_for_deployment(previous)

    def _wait_for_deployment(self, previous: dict[str, Any]) -> None:
        """Wait until the new deployment has all traffic; ECS itself rolls back one that does not start."""
        self.progress.start(f"Waiting until ECS has {self.name} (this takes some minutes)")

        def poll() -> Any:
            started = [one for arn, one in self._list_deployments().items() if arn not in previous]
            if not started:
                return None
            newest = max(started, key=lambda one: one["createdAt"])
            if newest["status"] in _FAILED_STATUSES:
                why = newest.get("statusReason") or newest["status"].lower().replace("_", " ")
                raise DeployingError(f"ECS could not start {self.name}: {why}")
            return newest if newest["status"] == "SUCCESSFUL" else None

        self.retry.wait(f"ECS has not started {self.name}", poll)

    def _check_health(self) -> None:
        """Check the deployment, with retries: the address of a new service takes a while to resolve everywhere."""
        url, key = self.url(), self.key.value() if self.key else ""
        if not url:
            raise DeployingError(f"ECS gives no public address of {self.name}")
        self.progress.start(f"Asking {url}")
        errors: list[DeployingError] = []

        def poll() -> bool | None:
            try:
                check_deployment(http_sender(url, key), self.content)
            except DeployingError as error:
                errors.append(error)
                return None
            return True

        try:
            Retry(min(_ANSWER_SECONDS, self.retry.seconds), self.retry.pause).wait("it does not answer", poll)
        except DeployingError as error:
            raise (errors[-1] if errors else error) from None

    def _list_deployments(self) -> dict[str, Any]:
        with ignore_missing(*_NOT_FOUND_CODES):
            listed = self._ecs.list_service_deployments(service=self.arn, cluster=CLUSTER)
            return {str(one["serviceDeploymentArn"]): one for one in listed["serviceDeployments"]}
        return {}

    def _describe(self) -> Found | None:
        with ignore_missing(*_NOT_FOUND_CODES):
            found = dict(self._ecs.describe_express_gateway_service(serviceArn=self.arn, include=["TAGS"])["service"])
            return None if found["status"]["statusCode"] == "INACTIVE" else found
        return None


def _get_newest_configuration(found: Found) -> Found:
    """The newest active configuration; there are two during a deployment."""
    active = found.get("activeConfigurations") or []
    return dict(max(active, key=lambda one: str(one.get("createdAt", "")))) if active else {}


def _matches(desired: Any, found: Any) -> bool:
    """Whether `found` has the desired values; it may have others, which AWS adds."""
    if isinstance(desired, dict):
        return isinstance(found, dict) and all(_matches(value, found.get(name)) for name, value in desired.items())
    return bool(desired == found or (not desired and not found))
