"""The user's `process` beside a model: it runs only where somebody has said that its content is to be trusted."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.tracking.trusted_types import CARD, sign_code
from airflow_mlcraft.tracking.trusted_types import KEY as TRUST_KEY

TRUSTED_CODE = "MLCRAFT_TRUSTED_CODE"
KEY = "process"
SIGNATURE = "signature"


def trusted_hashes() -> set[str]:
    """The sha256 of each file of code that may run with a model."""
    return {one.strip() for one in os.environ.get(TRUSTED_CODE, "").split(",") if one.strip()}


def sign(described: Mapping[str, Any]) -> dict[str, Any]:
    """The description, signed with the key of the user, who trusts the code; unchanged where no key can be kept."""
    with suppress(MlcraftError):
        return {**described, SIGNATURE: sign_code(_content(described), make=True)}
    return dict(described)


def is_trusted(described: Mapping[str, Any]) -> bool:
    """Whether this user has signed the code and its params, or names the hash of the code."""
    if described["sha256"] in trusted_hashes():
        return True
    expected = sign_code(_content(described), make=False)
    return bool(expected) and hmac.compare_digest(expected, str(described.get(SIGNATURE, "")))


def read_process(folder: Path) -> dict[str, Any] | None:
    """What model.json says of the code that prepares rows for the model, where there is any."""
    try:
        found = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise MlcraftError(f"{folder / CARD} cannot be read: {error}") from None
    described = found.get(KEY) if isinstance(found, dict) else None
    return described if isinstance(described, dict) else None


def with_user_process(model: Any, folder: Path) -> Any:
    """The model for rows as the source has them: itself, where no code of a user prepares them."""
    described = read_process(folder)
    if described is None:
        return model
    path = folder / str(described["path"])
    if path.resolve().parent.parent != folder.resolve() or not path.is_file():
        raise MlcraftError(f"{folder} is no whole model: {described['path']} is missing")
    found = sha256_of_file(path)
    if found != described["sha256"]:
        raise MlcraftError(f"{path} is not the file that the model was trained with; train the model again")
    if not is_trusted(described):
        raise MlcraftError(
            f"{folder} runs {path.name}, code of whoever trained the model, with each row. "
            f"Read it, and if you trust it, name its hash in the environment variable {TRUSTED_CODE}={found}; "
            f"machines of one owner share the key in {TRUST_KEY} instead"
        )
    user_code.trust_code(found)
    return import_module("airflow_mlcraft.ml.row_process").wrap_process(described, path, model)


def _content(described: Mapping[str, Any]) -> str:
    return json.dumps(["process", described["sha256"], described["params"]], sort_keys=True)
