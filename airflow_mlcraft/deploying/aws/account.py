"""The AWS account and its errors as messages, and the tags that mark the resources of a project."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.errors import DeployingError

if TYPE_CHECKING:
    from boto3.session import Session

PROJECT, TARGET, MADE_BY = "mlcraft:project", "mlcraft:target", "mlcraft:made-by"
_LOGIN_HELP = (
    "log in with `aws configure` or `aws sso login`, choose a profile with --profile or AWS_PROFILE, or set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on a machine of AWS its role is taken"
)
_CREDENTIAL_ERRORS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "InvalidToken",
)
_ACCESS_ERRORS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException")


@dataclass(frozen=True)
class Account:
    """An account in a region."""

    session: Session
    region: str
    id: str
    partition: str
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, with standard retries; one per service."""
        from botocore.config import Config

        if service not in self._clients:
            settings = Config(retries={"mode": "standard"})
            self._clients[service] = self.session.client(service, region_name=self.region, config=settings)
        return self._clients[service]

    def arn(self, service: str, resource: str, *, region: bool = True) -> str:
        return f"arn:{self.partition}:{service}:{self.region if region else ''}:{self.id}:{resource}"


def sign_in(region: str = "", profile: str = "") -> Account:
    """The account of the credentials that boto3 finds."""
    import boto3

    with aws_errors():
        session = boto3.Session(profile_name=profile or None)
        region_name = region or os.environ.get("AWS_REGION") or session.region_name
        if not region_name:
            raise DeployingError(
                "no AWS region is named",
                "name one with --region, as targets.aws.region in mlcraft.toml, or with AWS_REGION; "
                "`aws configure` keeps one for good",
            )
        if session.get_credentials() is None:
            raise DeployingError("there are no AWS credentials here", _LOGIN_HELP)
        caller = session.client("sts", region_name=region_name).get_caller_identity()
    return Account(session, region_name, str(caller["Account"]), str(caller["Arn"]).split(":")[1])


@contextlib.contextmanager
def aws_errors() -> Iterator[None]:
    """Convert errors of boto3 to DeployingErrors."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
        NoCredentialsError,
        ProfileNotFound,
    )

    try:
        yield
    except ClientError as error:
        code, operation = get_error_code(error), error.operation_name
        message = error.response.get("Error", {}).get("Message") or code
        if code in _CREDENTIAL_ERRORS:
            raise DeployingError(f"AWS does not take these credentials ({code})", _LOGIN_HELP) from error
        if code in _ACCESS_ERRORS:
            raise DeployingError(
                f"AWS does not let you {operation}: {message}", "docs/deploy.md lists what is needed"
            ) from error
        raise DeployingError(f"AWS refuses {operation}: {message} ({code})") from error
    except ProfileNotFound as error:
        raise DeployingError(str(error), "`aws configure list-profiles` lists those that are there") from error
    except NoCredentialsError as error:
        raise DeployingError("there are no AWS credentials here", _LOGIN_HELP) from error
    except EndpointConnectionError as error:
        raise DeployingError(
            f"AWS cannot be reached: {error}", "see whether the region and the network are right"
        ) from error
    except BotoCoreError as error:
        raise DeployingError(f"AWS: {error}") from error


def get_error_code(error: Any) -> str:
    """The error code of a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def ignore_missing(*codes: str) -> Iterator[None]:
    """Suppress ClientErrors with one of these codes, for resources that do not exist."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if get_error_code(error) not in codes:
            raise


@dataclass(frozen=True)
class Owner:
    """The project and target that a resource belongs to, written to its tags."""

    project: str
    target: str

    @property
    def tags(self) -> dict[str, str]:
        return {PROJECT: self.project, TARGET: self.target, MADE_BY: "mlcraft"}

    def to_tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as a list of pairs, as most of AWS takes them."""
        return [{key: name, value: text} for name, text in self.tags.items()]

    def check(self, kind: str, name: str, tags: Mapping[str, str]) -> None:
        """Raise a DeployingError for a resource that this project's deployment has not made."""
        if tags.get(PROJECT) == self.project and tags.get(TARGET) == self.target:
            return
        owner = f"it belongs to the project {tags[PROJECT]!r}" if PROJECT in tags else "mlcraft has not made it"
        raise DeployingError(
            f"the {kind} {name} is there already, and {owner}",
            f'choose another name: `name = "…"` below [targets.{self.target}] in mlcraft.toml',
        )


def tags_to_dict(pairs: Sequence[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """A list of tag pairs as a mapping."""
    return {str(pair[key]): str(pair[value]) for pair in pairs or ()}
