"""ECS's Express Mode for moto, which does not know it: services and their deployments, as ECS's API has them.

What goes in and out is checked by boto3 against AWS's own description of the API. Whether AWS does the same with it,
only AWS can show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.ecs.exceptions import EcsClientException, ServiceNotFoundException
from moto.ecs.responses import EC2ContainerServiceResponse

_BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
_CONFIGURED = (
    "executionRoleArn",
    "taskRoleArn",
    "cpu",
    "memory",
    "healthCheckPath",
    "primaryContainer",
    "scalingTarget",
)


class ExpressMode:
    """All services by their ARN. `outcomes` says how the next deployments end; they are well when it is empty."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint
        self.services: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, list[dict[str, Any]]] = {}
        self.outcomes: list[tuple[str, str]] = []
        self.refusals: list[str] = []
        self.asked: list[str] = []

    def create(self, given: dict[str, Any], account: str, region: str) -> dict[str, Any]:
        self.asked.append("create")
        self._refuse()
        arn = f"arn:aws:ecs:{region}:{account}:service/default/{given['serviceName']}"
        self.services[arn] = {
            "serviceArn": arn,
            "cluster": "default",
            "serviceName": given["serviceName"],
            "infrastructureRoleArn": given["infrastructureRoleArn"],
            "status": {"statusCode": "ACTIVE"},
            "tags": given.get("tags", []),
            "activeConfigurations": [],
        }
        self._configure(arn, given)
        return self._deploy(arn)

    def update(self, given: dict[str, Any]) -> dict[str, Any]:
        self.asked.append("update")
        self._refuse()
        arn = given["serviceArn"]
        self._known(arn)
        before = self.services[arn]["activeConfigurations"][-1]
        self._configure(arn, {**before, **given})
        return self._deploy(arn, before)

    def describe(self, arn: str) -> dict[str, Any]:
        return self._known(arn)

    def delete(self, arn: str) -> dict[str, Any]:
        self.asked.append("delete")
        found = self._known(arn)
        del self.services[arn]
        return {**found, "status": {"statusCode": "DRAINING"}}

    def _refuse(self) -> None:
        if self.refusals:
            raise EcsClientException(self.refusals.pop(0))

    def _known(self, arn: str) -> dict[str, Any]:
        if arn not in self.services:
            raise ServiceNotFoundException
        return self.services[arn]

    def _configure(self, arn: str, given: dict[str, Any]) -> None:
        number = sum(map(len, self.deployments.values()))
        made = {name: given[name] for name in _CONFIGURED if name in given}
        made["createdAt"] = _BEGIN + timedelta(minutes=number)
        made["serviceRevisionArn"] = f"{arn}/{number}".replace(":service/", ":service-revision/")
        made["ingressPaths"] = [{"accessType": "PUBLIC", "endpoint": self.endpoint}]
        self.services[arn]["activeConfigurations"] = [made]

    def _deploy(self, arn: str, before: dict[str, Any] | None = None) -> dict[str, Any]:
        status, why = self.outcomes.pop(0) if self.outcomes else ("SUCCESSFUL", "")
        deployments = self.deployments.setdefault(arn, [])
        deployments.append(
            {
                "serviceDeploymentArn": f"{arn}/{len(deployments)}".replace(":service/", ":service-deployment/"),
                "serviceArn": arn,
                "status": status,
                "statusReason": why,
                "createdAt": _BEGIN + timedelta(minutes=len(deployments)),
            }
        )
        if status != "SUCCESSFUL" and before is not None:
            self.services[arn]["activeConfigurations"] = [before]
        return self.services[arn]


@contextmanager
def express_mode(endpoint: str) -> Iterator[ExpressMode]:
    """moto with Express Mode; services answer at this endpoint."""
    mode = ExpressMode(endpoint)

    def create(self: Any) -> ActionResult:
        return ActionResult({"service": mode.create(self._get_params(), self.current_account, self.region)})

    def update(self: Any) -> ActionResult:
        return ActionResult({"service": mode.update(self._get_params())})

    def describe(self: Any) -> ActionResult:
        return ActionResult({"service": mode.describe(self._get_param("serviceArn"))})

    def delete(self: Any) -> ActionResult:
        return ActionResult({"service": mode.delete(self._get_param("serviceArn"))})

    def deployments(self: Any) -> ActionResult:
        mode.describe(self._get_param("service"))
        return ActionResult({"serviceDeployments": mode.deployments.get(self._get_param("service"), [])})

    known: dict[str, Any] = {
        "create_express_gateway_service": create,
        "update_express_gateway_service": update,
        "describe_express_gateway_service": describe,
        "delete_express_gateway_service": delete,
        "list_service_deployments": deployments,
    }
    with patch.multiple(EC2ContainerServiceResponse, create=True, **known):
        yield mode
