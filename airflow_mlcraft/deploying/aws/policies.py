"""What the roles may do, and nothing more. The server itself asks nothing of AWS, so its task has no role at all."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.deploying.aws.account import Account

Policy = dict[str, Any]
INFRASTRUCTURE = "service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"
"""AWS's own: what ECS needs to make load balancers, certificates and alarms for a service."""


def assumed_by(service: str, account: Account | None = None) -> Policy:
    """Only this service; and for this account only, where the service says for whom it works."""
    statement: Policy = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account.id}}
    return _policy(statement)


def starting_a_task(repository: str, log_group: str, secret: str) -> Policy:
    """Fetch the one image, write to the one log, read the one key."""
    statements: list[Policy] = [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            "Resource": repository,
        },
        _writing(log_group),
    ]
    if secret:
        statements.append({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret})
    return _policy(*statements)


def running_a_function(log_group: str) -> Policy:
    """Write to the one log. Lambda fetches the image itself."""
    return _policy(_writing(log_group))


def fetched_by_lambda(account: Account) -> Policy:
    """Of a repository: the functions of this account may have its images."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"StringLike": {"aws:sourceArn": account.arn("lambda", "function:*")}},
        }
    )


def _writing(log_group: str) -> Policy:
    return {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{log_group}:*"}


def _policy(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
