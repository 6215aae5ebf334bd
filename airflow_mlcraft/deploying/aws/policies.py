"""IAM policies with the least rights. The server itself does not call AWS, so its task has no role."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.deploying.aws.account import Account

Policy = dict[str, Any]
INFRASTRUCTURE = "service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"
"""AWS's managed policy for the load balancers, certificates and alarms of a service."""


def build_trust_policy(service: str, account: Account | None = None) -> Policy:
    """A trust policy for one service, limited to one account if the service states the account that it acts for."""
    statement: Policy = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account.id}}
    return _to_document(statement)


def build_task_execution_policy(repository: str, log_group: str, secret: str) -> Policy:
    """Rights to pull the image, write to the log group and read the API key."""
    statements: list[Policy] = [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            "Resource": repository,
        },
        _allow_log_writes(log_group),
    ]
    if secret:
        statements.append({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret})
    return _to_document(*statements)


def build_function_policy(log_group: str) -> Policy:
    """Rights to write to the log group. Lambda itself pulls the image."""
    return _to_document(_allow_log_writes(log_group))


def build_lambda_pull_policy(account: Account) -> Policy:
    """A repository policy that lets Lambda functions of this account pull images."""
    return _to_document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Condition": {"StringLike": {"aws:sourceArn": account.arn("lambda", "function:*")}},
        }
    )


def _allow_log_writes(log_group: str) -> Policy:
    return {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": f"{log_group}:*"}


def _to_document(*statements: Policy) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}
