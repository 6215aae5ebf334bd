"""The address of a function's live version. Whoever asks has to sign as a user of AWS, unless it is open to all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, Owner, unless_missing
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.log_group import LogGroup
from airflow_mlcraft.deploying.aws.repository import PushedImage
from airflow_mlcraft.deploying.aws.retry import Patience
from airflow_mlcraft.deploying.aws.role import Role
from airflow_mlcraft.deploying.errors import DeployingError, Watch
from airflow_mlcraft.deploying.health import Ask, check

_MISSING = "ResourceNotFoundException"
_OPEN: dict[str, dict[str, Any]] = {
    "mlcraft-url": {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    "mlcraft-url-invoke": {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
}
"""What the public may do where the model is open."""


@dataclass
class FunctionUrl:
    """It belongs to its function, and goes with it."""

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
        with unless_missing(_MISSING):
            found = self._lambda.get_function_url_config(FunctionName=self.name, Qualifier=LIVE)
            return {"auth": found["AuthType"], "url": found["FunctionUrl"]}
        return None

    def differences(self, found: Found) -> list[str]:
        return [] if found["auth"] == self._auth(self.open) else ["who may ask"]

    def create(self) -> None:
        self._lambda.create_function_url_config(
            FunctionName=self.name, Qualifier=LIVE, AuthType=self._auth(self.open), InvokeMode="BUFFERED"
        )
        self._let(self.open)

    def change(self, found: Found) -> None:
        self._put(self.open)

    def restore(self, found: Found) -> None:
        self._put(found["auth"] == self._auth(True))

    def delete(self) -> None:
        with unless_missing(_MISSING):
            self._lambda.delete_function_url_config(FunctionName=self.name, Qualifier=LIVE)

    def url(self) -> str:
        """The address; empty where there is none."""
        return str((self.find() or {}).get("url", "")).rstrip("/")

    def _put(self, to_all: bool) -> None:
        self._lambda.update_function_url_config(FunctionName=self.name, Qualifier=LIVE, AuthType=self._auth(to_all))
        self._let(to_all)

    def _let(self, to_all: bool) -> None:
        for statement, allowed in _OPEN.items():
            with unless_missing(_MISSING):
                self._lambda.remove_permission(FunctionName=self.name, StatementId=statement, Qualifier=LIVE)
            if to_all:
                self._lambda.add_permission(
                    FunctionName=self.name, StatementId=statement, Qualifier=LIVE, Principal="*", **allowed
                )

    @staticmethod
    def _auth(to_all: bool) -> str:
        return "NONE" if to_all else "AWS_IAM"


LIVE = "live"
ENTRY = ["python", "-m", "airflow_mlcraft.serving.on_lambda", "--model", "/opt/mlcraft/model"]
_SAID = {
    "image": "the image",
    "entry": "what it starts",
    "MemorySize": "the memory",
    "Timeout": "the time it may take",
    "Role": "the role it has",
    "live": "which version is live",
}


@dataclass
class Function:
    """The function, its newest version, and the alias `live`."""

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
    patience: Patience
    watch: Watch
    kind: str = field(default="Lambda function")

    def __post_init__(self) -> None:
        self._lambda = self.account.client("lambda")

    @property
    def arn(self) -> str:
        return self.account.arn("lambda", f"function:{self.name}")

    def find(self) -> Found | None:
        found: Any = None
        with unless_missing(_MISSING):
            found = self._lambda.get_function(FunctionName=self.name)
        if found is None:
            return None
        self.owner.check(self.kind, self.name, found.get("Tags") or {})
        about = found["Configuration"]
        live = ""
        with unless_missing(_MISSING):
            live = str(self._lambda.get_alias(FunctionName=self.name, Name=LIVE)["FunctionVersion"])
        entry = (about.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
        return {
            "image": str(found["Code"].get("ImageUri", "")),
            "entry": entry.get("EntryPoint"),
            "live": live,
            **{name: about[name] for name in ("MemorySize", "Timeout", "Role")},
        }

    def differences(self, found: Found) -> list[str]:
        return [_SAID[name] for name, value in self._wanted().items() if found[name] != value] + (
            [] if found["live"] else [_SAID["live"]]
        )

    def create(self) -> None:
        self.patience.with_new_role(
            lambda: self._lambda.create_function(
                FunctionName=self.name,
                PackageType="Image",
                Code={"ImageUri": self.image.uri},
                Architectures=[{"x86_64": "x86_64", "aarch64": "arm64"}[self.machine]],
                LoggingConfig={"LogGroup": self.log_group.name},
                Description=f"The model {self.owner.project}, served by mlcraft",
                Tags=self.owner.tags,
                **self._settings(self._wanted()),
            )
        )
        self._publish()

    def change(self, found: Found) -> None:
        self._put(self._wanted())
        self._forget_all_but(self._publish(), found["live"])

    def restore(self, found: Found) -> None:
        """Clients never saw the new version: the alias still leads to the one before, unless it was moved."""
        self._put(found)
        if found["live"]:
            self._lambda.update_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=found["live"])

    def delete(self) -> None:
        with unless_missing(_MISSING):
            self._lambda.delete_function(FunctionName=self.name)

    def _wanted(self) -> Found:
        return {
            "image": self.image.uri,
            "entry": [*ENTRY, "--name", self.owner.project],
            "MemorySize": self.memory,
            "Timeout": self.timeout,
            "Role": self.role.arn,
        }

    def _settings(self, values: Found) -> dict[str, Any]:
        plain = {name: values[name] for name in ("MemorySize", "Timeout", "Role")}
        return {**plain, "ImageConfig": {"EntryPoint": values["entry"] or []}}

    def _put(self, values: Found) -> None:
        self.patience.with_new_role(
            lambda: self._lambda.update_function_configuration(FunctionName=self.name, **self._settings(values))
        )
        self._settled()
        self._lambda.update_function_code(FunctionName=self.name, ImageUri=values["image"])
        self._settled()

    def _publish(self) -> str:
        """Make a version, try it, and lead clients to it."""
        self._settled()
        version = str(self._lambda.publish_version(FunctionName=self.name)["Version"])
        self._settled(version)
        self.watch.say(f"Trying version {version} of {self.name}")
        try:
            check(self._asking(version), self.content)
        except DeployingError:
            with unless_missing(_MISSING):
                self._lambda.delete_function(FunctionName=self.name, Qualifier=version)
            raise
        try:
            self._lambda.get_alias(FunctionName=self.name, Name=LIVE)
        except self._lambda.exceptions.ResourceNotFoundException:
            self._lambda.create_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=version)
        else:
            self._lambda.update_alias(FunctionName=self.name, Name=LIVE, FunctionVersion=version)
        return version

    def _forget_all_but(self, *kept: str) -> None:
        """Versions that clients no longer reach cost room; the one before the last is what a roll-back needs."""
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
        for one in [one["Version"] for page in pages for one in page["Versions"]]:
            if one not in ("$LATEST", *kept):
                with unless_missing(_MISSING):
                    self._lambda.delete_function(FunctionName=self.name, Qualifier=one)

    def _settled(self, version: str = "") -> None:
        """Lambda takes a while for each change, and no other one meanwhile."""
        which = {"FunctionName": self.name, **({"Qualifier": version} if version else {})}

        def look() -> bool | None:
            about = self._lambda.get_function_configuration(**which)
            for state in ("State", "LastUpdateStatus"):
                if about.get(state) == "Failed":
                    why = about.get(f"{state}Reason") or about.get(f"{state}ReasonCode") or "it does not say why"
                    raise DeployingError(f"Lambda cannot make {self.name}: {why}")
            busy = about.get("State") == "Pending" or about.get("LastUpdateStatus") == "InProgress"
            return None if busy else True

        self.patience.wait(f"Lambda has not made {self.name}", look)

    def _asking(self, version: str) -> Ask:
        def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
            said = self._lambda.invoke(
                FunctionName=self.name, Qualifier=version, Payload=json.dumps(_event(method, path, body)).encode()
            )
            answer = json.loads(said["Payload"].read())
            if said.get("FunctionError"):
                raise DeployingError(f"the function failed: {answer.get('errorMessage', answer)}")
            return int(answer["statusCode"]), json.loads(answer["body"])

        return ask


def _event(method: str, path: str, body: Any) -> dict[str, Any]:
    """A request, as a function's URL words it."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
