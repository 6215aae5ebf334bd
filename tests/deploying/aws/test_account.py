"""Credentials, regions and errors of AWS."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from airflow_mlcraft.deploying.aws import changes
from airflow_mlcraft.deploying.aws.account import Owner, aws_errors, sign_in
from airflow_mlcraft.deploying.aws.role import Role, build_role_name
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter


def test_no_credentials(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        DeployingError, match="there are no AWS credentials here; log in with `aws configure` or `aws sso"
    ):
        sign_in()


def test_no_region(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(DeployingError, match="no AWS region is named; name one with --region"):
        sign_in()


def test_the_region_that_is_named(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        assert sign_in().region == "eu-central-1"
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        assert sign_in().region == "eu-west-1"
        found = sign_in("cn-north-1")
        assert (found.region, found.partition, found.id) == ("cn-north-1", "aws-cn", "123456789012")


def test_a_profile(credentials: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DeployingError, match=r"team.* could not be found; `aws configure list-profiles` lists"):
        sign_in(profile="team")
    (tmp_path / "config").write_text(
        "[profile team]\nregion = eu-north-1\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with mock_aws():
        assert sign_in(profile="team").region == "eu-north-1"


@set_initial_no_auth_action_count(0)
def test_credentials_that_aws_does_not_take(credentials: None) -> None:
    with mock_aws(), pytest.raises(DeployingError, match=r"AWS does not take these credentials \(\w+\); log in with"):
        sign_in()


def test_what_aws_does_not_allow(credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of AWS without any rights."""

    @set_initial_no_auth_action_count(3)
    def create_role() -> None:
        with mock_aws():
            iam = sign_in().client("iam")
            iam.create_user(UserName="nobody")
            keys = iam.create_access_key(UserName="nobody")["AccessKey"]
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
            account = sign_in()
            changes.apply([Role(account, Owner("Iris", "aws"), "mlcraft-iris", trust={})], ProgressReporter())

    with pytest.raises(DeployingError, match=r"AWS does not let you \w+: .*; docs/deploy.md lists what is needed"):
        create_role()


def test_aws_cannot_be_reached() -> None:
    with (
        pytest.raises(DeployingError, match="AWS cannot be reached: .*; see whether the region and the network"),
        aws_errors(),
    ):
        raise EndpointConnectionError(endpoint_url="https://ecs.nowhere.amazonaws.com")
    with pytest.raises(DeployingError, match=r"AWS refuses CreateX: too many \(LimitExceeded\)"), aws_errors():
        raise ClientError({"Error": {"Code": "LimitExceeded", "Message": "too many"}}, "CreateX")


def test_names_of_roles_fit(credentials: None) -> None:
    with mock_aws():
        account = sign_in()
    assert build_role_name("mlcraft-iris", account, "execution") == "mlcraft-iris-eu-central-1-execution"
    long = build_role_name("mlcraft-" + "a" * 50, account, "execution")
    assert len(long) == 64
    assert long != build_role_name("mlcraft-" + "a" * 50, account, "infrastructure")
