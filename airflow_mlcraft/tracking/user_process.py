"""The user's `process` function beside a model; it runs only if its content is trusted."""

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


def read_trusted_hashes() -> set[str]:
    """Return the sha256 of each code file in MLCRAFT_TRUSTED_CODE."""
    return {one.strip() for one in os.environ.get(TRUSTED_CODE, "").split(",") if one.strip()}


def sign(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description with a signature by the user's key; unchanged if no key can be stored."""
    with suppress(MlcraftError):
        return {**description, SIGNATURE: sign_code(_signed_content(description), create=True)}
    return dict(description)


def is_trusted(description: Mapping[str, Any]) -> bool:
    """Whether this user's key has signed the code and its params, or the user names the hash of the code."""
    if description["sha256"] in read_trusted_hashes():
        return True
    expected = sign_code(_signed_content(description), create=False)
    return bool(expected) and hmac.compare_digest(expected, str(description.get(SIGNATURE, "")))


def read_process(folder: Path) -> dict[str, Any] | None:
    """Return the description of the `process` code in model.json, or None."""
    try:
        found = json.loads((folder / CARD).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise MlcraftError(f"{folder / CARD} cannot be read: {error}") from None
    description = found.get(KEY) if isinstance(found, dict) else None
    return description if isinstance(description, dict) else None


def with_user_process(model: Any, folder: Path) -> Any:
    """Return the model wrapped in the user's `process`, which prepares rows; the model itself if there is none."""
    description = read_process(folder)
    if description is None:
        return model
    path = folder / str(description["path"])
    if path.resolve().parent.parent != folder.resolve() or not path.is_file():
        raise MlcraftError(f"{folder} is no whole model: {description['path']} is missing")
    found = sha256_of_file(path)
    if found != description["sha256"]:
        raise MlcraftError(f"{path} is not the file that the model was trained with; train the model again")
    if not is_trusted(description):
        raise MlcraftError(
            f"{folder} runs {path.name}, code of whoever trained the model, with each row. "
            f"Read it, and if you trust it, name its hash in the environment variable {TRUSTED_CODE}={found}; "
            f"machines of one owner share the key in {TRUST_KEY} instead"
        )
    user_code.trust_code(found)
    return import_module("airflow_mlcraft.ml.row_process").wrap_process(description, path, model)


def _signed_content(description: Mapping[str, Any]) -> str:
    return json.dumps(["process", description["sha256"], description["params"]], sort_keys=True)
