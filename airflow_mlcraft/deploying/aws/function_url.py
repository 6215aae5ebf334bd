"""The address of a function's live version. Whoever asks has to sign as a user of AWS, unless it is open to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.deploying.aws.account import Account, unless_missing
from airflow_mlcraft.deploying.aws.changes import Found
from airflow_mlcraft.deploying.aws.function import LIVE, Function

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
