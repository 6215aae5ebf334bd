"""The AWS account: found as all of AWS's tools find it, and its refusals as sentences."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.errors import DeployingError

if TYPE_CHECKING:
    from boto3.session import Session


_LOGINS = (
    "log in with `aws configure` or `aws sso login`, choose a profile with --profile or AWS_PROFILE, or set "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on a machine of AWS its role is taken"
)
_STALE = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "InvalidToken",
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException")


@dataclass(frozen=True)
class Account:
    """An account in a region."""

    session: Session
    region: str
    id: str
    partition: str
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """boto3's client of a service; it tries again by itself where that helps."""
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

    with refusals():
        session = boto3.Session(profile_name=profile or None)
        chosen = region or os.environ.get("AWS_REGION") or session.region_name
        if not chosen:
            raise DeployingError(
                "no AWS region is named",
                "name one with --region, as targets.aws.region in mlcraft.toml, or with AWS_REGION; "
                "`aws configure` keeps one for good",
            )
        if session.get_credentials() is None:
            raise DeployingError("there are no AWS credentials here", _LOGINS)
        caller = session.client("sts", region_name=chosen).get_caller_identity()
    return Account(session, chosen, str(caller["Account"]), str(caller["Arn"]).split(":")[1])


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What boto3 raises, as sentences."""
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
        code, asked = code_of(error), error.operation_name
        said = error.response.get("Error", {}).get("Message") or code
        if code in _STALE:
            raise DeployingError(f"AWS does not take these credentials ({code})", _LOGINS) from error
        if code in _DENIED:
            raise DeployingError(
                f"AWS does not let you {asked}: {said}", "docs/deploy.md lists what is needed"
            ) from error
        raise DeployingError(f"AWS refuses {asked}: {said} ({code})") from error
    except ProfileNotFound as error:
        raise DeployingError(str(error), "`aws configure list-profiles` lists those that are there") from error
    except NoCredentialsError as error:
        raise DeployingError("there are no AWS credentials here", _LOGINS) from error
    except EndpointConnectionError as error:
        raise DeployingError(
            f"AWS cannot be reached: {error}", "see whether the region and the network are right"
        ) from error
    except BotoCoreError as error:
        raise DeployingError(f"AWS: {error}") from error


def code_of(error: Any) -> str:
    """The code of a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def unless_missing(*codes: str) -> Iterator[None]:
    """Go on where what is asked for is not there."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code_of(error) not in codes:
            raise


PROJECT, TARGET, MADE_BY = "mlcraft:project", "mlcraft:target", "mlcraft:made-by"


@dataclass(frozen=True)
class Owner:
    """A project's deployment to a target."""

    project: str
    target: str

    @property
    def tags(self) -> dict[str, str]:
        return {PROJECT: self.project, TARGET: self.target, MADE_BY: "mlcraft"}

    def pairs(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as most of AWS wants them."""
        return [{key: name, value: text} for name, text in self.tags.items()]

    def check(self, kind: str, name: str, tags: Mapping[str, str]) -> None:
        """Refuse what somebody else has made."""
        if tags.get(PROJECT) == self.project and tags.get(TARGET) == self.target:
            return
        whose = f"it belongs to the project {tags[PROJECT]!r}" if PROJECT in tags else "mlcraft has not made it"
        raise DeployingError(
            f"the {kind} {name} is there already, and {whose}",
            f'choose another name: `name = "…"` below [targets.{self.target}] in mlcraft.toml',
        )


def plain(pairs: Sequence[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """A list of tags as a mapping."""
    return {str(pair[key]): str(pair[value]) for pair in pairs or ()}
