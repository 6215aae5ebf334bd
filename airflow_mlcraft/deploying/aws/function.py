"""Lambda functions from an image, and their function URLs.

Each deployment publishes a version and tests it, before the alias `live` leads clients to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, Owner, ignore_missing
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage
from airflow_mlcraft.deploying.aws.retry import Retry
from airflow_mlcraft.deploying.aws.role import Role
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.health import SendRequest, check_deployment

LIVE = "live"
ENTRY = ["python", "-m", "airflow_mlcraft.serving.on_lambda", "--model", "/opt/mlcraft/model"]
_DIFFERENCE_TEXTS = {
    "image": "the image",
    "entry": "what it starts",
    "MemorySize": "the memory",
    "Timeout": "the time it may take",
    "Role": "the role it has",
    "live": "which version is live",
}
_NOT_FOUND = "ResourceNotFoundException"
_PUBLIC_PERMISSIONS: dict[str, dict[str, Any]] = {
    "mlcraft-url": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "mlcraft-url-invoke": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
}
"""The permissions of the public, if the function is open."""


@dataclass
class Function:
    """The function, with its newest version and the alias `live`."""

    account: Account
    owner: Owner
    name: str
    image: PushedImage
    log_group: LogGroup
    role: Role
    machine: str
    memory: int
    timeout: int
    content: str
    retry: Retry
    progress: ProgressReporter
    kind: str = field(default="Lambda function")

    def __post_init__(self) -> None:
        self._lambda = self.account.client("lambda")

    @property
    def arn(self) -> str:
        return self.account.arn("lambda", f"function:{self.name}")

    def find(self) -> Found | None:
        found: Any = None
        with ignore_missing(_NOT_FOUND):
            found = self._lambda.get_function(FunctionName=self.name)
        if found is None:
            return None
        self.owner.check(self.kind, self.name, found.get("Tags") or {})
        configuration = found["Configuration"]
        live = ""
        with ignore_missing(_NOT_FOUND):
            live = str(self._lambda.get_alias(FunctionName=self.name, Name=LIVE)["FunctionVersion"])
        entry = (configuration.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
        return {
            "image": str(found["Code"].get("ImageUri", "")),
            "entry": entry.get("EntryPoint"),
            "live": live,
            **{name: configuration[name] for name in ("MemorySize", "Timeout", "Role")},
        }

    def differences(self, found: Found) -> list[str]:
        return [_DIFFERENCE_TEXTS[name] for name, value in self._desired().items() if found[name] != value] + (
            [] if found["live"] else [_DIFFERENCE_TEXTS["live"]]
        )

    def create(self) -> None:
        self.retry.with_new_role(
            lambda: self._lambda.create_function(
                FunctionName=self.name,
                PackageType="Image",
                Code={"ImageUri": self.image.uri},
                Architectures=[{"x86_64": "x86_64", "aarch64": "arm64"}[self.machine]],
                LoggingConfig={"LogGroup": self.log_group.name},
                Description=f"The model {self.owner.project}, served by mlcraft",
                Tags=self.owner.tags,
                **self._settings(self._desired()),
            )
        )
        self._publish()

    def change(self, found: Found) -> None:
        self._apply(self._desired())
        self._delete_versions_except(self._publish(), found["live"])

    def restore(self, found: Found) -> None:
        """Restore the settings, and the version of the alias `live` if it was moved."""
        self._apply(found)
        if found["live"]:
            self._lambda.update_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=found["live"])

    def delete(self) -> None:
        with ignore_missing(_NOT_FOUND):
            self._lambda.delete_function(FunctionName=self.name)

    def _desired(self) -> Found:
        return {
            "image": self.image.uri,
            "entry": [*ENTRY, "--name", self.owner.project],
            "MemorySize": self.memory,
            "Timeout": self.timeout,
            "Role": self.role.arn,
        }

    def _settings(self, values: Found) -> dict[str, Any]:
        settings = {name: values[name] for name in ("MemorySize", "Timeout", "Role")}
        return {**settings, "ImageConfig": {"EntryPoint": values["entry"] or []}}

    def _apply(self, values: Found) -> None:
        self.retry.with_new_role(
            lambda: self._lambda.update_function_configuration(FunctionName=self.name, **self._settings(values))
        )
        self._wait_until_settled()
        self._lambda.update_function_code(FunctionName=self.name, ImageUri=values["image"])
        self._wait_until_settled()

    def _publish(self) -> str:
        """Publish a version, test it, and move the alias `live` to it."""
        self._wait_until_settled()
        version = str(self._lambda.publish_version(FunctionName=self.name)["Version"])
        self._wait_until_settled(version)
        self.progress.start(f"Trying version {version} of {self.name}")
        try:
            check_deployment(self._build_sender(version), self.content)
        except DeployingError:
            with ignore_missing(_NOT_FOUND):
                self._lambda.delete_function(FunctionName=self.name, Qualifier=version)
            raise
        try:
            self._lambda.get_alias(FunctionName=self.name, Name=LIVE)
        except self._lambda.exceptions.ResourceNotFoundException:
            self._lambda.create_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=version)
        else:
            self._lambda.update_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=version)
        return version

    def _delete_versions_except(self, *kept: str) -> None:
        """Delete versions that are no longer needed; the previous one is kept for a roll-back."""
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
        for one in [one["Version"] for page in pages for one in page["Versions"]]:
            if one not in ("$LATEST", *kept):
                with ignore_missing(_NOT_FOUND):
                    self._lambda.delete_function(FunctionName=self.name, Qualifier=one)

    def _wait_until_settled(self, version: str = "") -> None:
        """Wait until a change is complete; Lambda refuses other changes meanwhile."""
        which = {"FunctionName": self.name, **({"Qualifier": version} if version else {})}

        def poll() -> bool | None:
            configuration = self._lambda.get_function_configuration(**which)
            for state in ("State", "LastUpdateStatus"):
                if configuration.get(state) == "Failed":
                    why = (
                        configuration.get(f"{state}Reason")
                        or configuration.get(f"{state}ReasonCode")
                        or "it does not say why"
                    )
                    raise DeployingError(f"Lambda cannot make {self.name}: {why}")
            busy = configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress"
            return None if busy else True

        self.retry.wait(f"Lambda has not made {self.name}", poll)

    def _build_sender(self, version: str) -> SendRequest:
        def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            result = self._lambda.invoke(
                FunctionName=self.name, Qualifier=version, Payload=json.dumps(_build_event(method, path, body)).encode()
            )
            answer = json.loads(result["Payload"].read())
            if result.get("FunctionError"):
                raise DeployingError(f"the function failed: {answer.get('errorMessage', answer)}")
            return int(answer["statusCode"]), json.loads(answer["body"])

        return send


@dataclass
class FunctionUrl:
    """The URL of the alias `live`. Requests must be signed for AWS, unless it is open; it goes with its function."""

    account: Account
    function: Function
    open: bool
    kind: str = "function URL"

    def __post_init__(self) -> None:
        self._lambda = self.account.client("lambda")

    @property
    def name(self) -> str:
        return self.function.name

    def find(self) -> Found | None:
        with ignore_missing(_NOT_FOUND):
            found = self._lambda.get_function_url_config(FunctionName=self.name, Qualifier=LIVE)
            return {"auth": found["AuthType"], "url": found["FunctionUrl"]}
        return None

    def differences(self, found: Found) -> list[str]:
        return [] if found["auth"] == self._to_auth_type(self.open) else ["who may ask"]

    def create(self) -> None:
        self._lambda.create_function_url_config(
            FunctionName=self.name, Qualifier=LIVE, AuthType=self._to_auth_type(self.open), InvokeMode="BUFFERED"
        )
        self._set_permissions(self.open)

    def change(self, found: Found) -> None:
        self._apply(self.open)

    def restore(self, found: Found) -> None:
        self._apply(found["auth"] == self._to_auth_type(True))

    def delete(self) -> None:
        with ignore_missing(_NOT_FOUND):
            self._lambda.delete_function_url_config(FunctionName=self.name, Qualifier=LIVE)

    def url(self) -> str:
        """The address; empty if there is none."""
        return str((self.find() or {}).get("url", "")).rstrip("/")

    def _apply(self, is_public: bool) -> None:
        self._lambda.update_function_url_config(
            FunctionName=self.name, Qualifier=LIVE, AuthType=self._to_auth_type(is_public)
        )
        self._set_permissions(is_public)

    def _set_permissions(self, is_public: bool) -> None:
        for statement, allowed in _PUBLIC_PERMISSIONS.items():
            with ignore_missing(_NOT_FOUND):
                self._lambda.remove_permission(FunctionName=self.name, StatementId=statement, Qualifier=LIVE)
            if is_public:
                self._lambda.add_permission(
                    FunctionName=self.name, StatementId=statement, Qualifier=LIVE, Principal="*", **allowed
                )

    @staticmethod
    def _to_auth_type(is_public: bool) -> str:
        return "NONE" if is_public else "AWS_IAM"


def _build_event(method: str, path: str, body: Any) -> dict[str, Any]:
    """The event of a function URL for this request."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
