"""Which types of a model file may be loaded: known ones, those its maker has signed, those that the user names.

A model with types beyond scikit-learn is signed when it is made: by a key of the user's own, over the model file, the
code beside it and the names of the types. Who has the key loads it; for everybody else it is a model from elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import secrets
import sys
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.ml.boosters import BOOSTER_TYPES, SUFFIXES

TRUSTED = "MLCRAFT_TRUSTED_TYPES"
KEY = "MLCRAFT_TRUST_KEY"
CARD, RECORD = "model.json", "trusted"
CODE = "code"
_KEY_FILE = Path(".config") / "mlcraft" / "trust.key"
_KNOWN = ("sklearn.", "airflow_mlcraft.ml.")
_CHECKED_PARTIAL = {"functools.partial", "sklearn.utils.validation.check_array"}
"""Histogram gradient boosting checks its columns by them; a partial names its function apart."""
_KNOWN_NAMES = BOOSTER_TYPES | {"numpy.dtype", "collections.OrderedDict"} | _CHECKED_PARTIAL
_ALWAYS_THERE = frozenset({"airflow_mlcraft", "numpy", "scipy", "sklearn", "pandas", "skops", *sys.stdlib_module_names})


def is_known(name: str) -> bool:
    """Whether loading a type of this name runs nothing. Classes only: a function may run what it is given."""
    if name in _KNOWN_NAMES:
        return True
    module, _, attribute = name.rpartition(".")
    if not module.startswith(_KNOWN):
        return False
    try:
        return isinstance(getattr(import_module(module), attribute, None), type)
    except ImportError:
        return False


def read_types_named_by_user() -> set[str]:
    """Types in the environment variable MLCRAFT_TRUSTED_TYPES."""
    return {name.strip() for name in os.environ.get(TRUSTED, "").split(",") if name.strip()}


def sign(file: Path, types: Iterable[str]) -> dict[str, Any]:
    """The record for model.json: types, the packages they come from, and the signature. `file` is the model file."""
    names = sorted(types)
    modules = {name.partition(".")[0] for name in names}
    record: dict[str, Any] = {"types": names, "packages": describe_packages(modules), "code": _code(file.parent)}
    return {**record, "signature": _signature(file, record, _key(make=True))}


def sign_code(content: str, *, make: bool) -> str:
    """By the user's key, over what describes code; empty where there is no key, and none is to be made."""
    key = _key(make=make)
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest() if key else ""


def read_signed_types(file: Path) -> set[str]:
    """Types that a signature of this user's covers; none where model.json has none, or one of somebody else."""
    try:
        record = json.loads((file.parent / CARD).read_text("utf-8"))[RECORD]
        names, found = set(map(str, record["types"])), str(record["signature"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    key = _key(make=False)
    if not key or not hmac.compare_digest(found, _signature(file, record, key)):
        return set()
    for package in record.get("packages", ()):
        _check_version(str(package.get("name")), str(package.get("version")))
    return names


def describe_packages(modules: Iterable[str]) -> list[dict[str, str]]:
    """Installed distributions that modules come from: name, version, and the hash of the list of their files."""
    wanted = set(modules) - _ALWAYS_THERE
    if not wanted:
        return []
    of_module = packages_distributions()
    names = sorted({name for module in wanted for name in of_module.get(module, ())})
    return [_package(name) for name in names]


def library_modules(schema: Any) -> set[str]:
    """Top-level modules of all that a model file has, those of boosters beside it among them."""
    found, waiting = set[str](), [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(module := value.get("__module__"), str):
                found.add(module.partition(".")[0])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and value.strip('"') in SUFFIXES:
            found.add(value.strip('"'))
    return found - _ALWAYS_THERE


def untrusted_types_error(file: Path, types: Iterable[str]) -> MlcraftError:
    """What to do about types that nobody has vouched for."""
    signed_elsewhere = ""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads((file.parent / CARD).read_text("utf-8"))[RECORD]["signature"]:
            signed_elsewhere = (
                f" It was signed with another key, or changed since: machines of one owner share the key in {KEY}."
            )
    return MlcraftError(
        f"{file} has types that are not known to be safe: {', '.join(sorted(types))}.{signed_elsewhere} "
        f"If you trust them, name them in the environment variable {TRUSTED}, separated by commas"
    )


def _package(name: str) -> dict[str, str]:
    found = distribution(name)
    listed = found.read_text("RECORD") or found.read_text("METADATA") or ""
    return {"name": name, "version": found.version, "sha256": hashlib.sha256(listed.encode()).hexdigest()}


def _check_version(name: str, version: str) -> None:
    try:
        there = distribution(name).version
    except PackageNotFoundError:
        raise MlcraftError(f"the model needs {name} {version}, which is not installed here") from None
    if there != version:
        warnings.warn(f"the model was made with {name} {version}, and {there} is installed", stacklevel=2)


def _code(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in sorted((folder / CODE).glob("*.py"))}


def _signature(file: Path, record: Mapping[str, Any], key: bytes) -> str:
    signed_parts = {"model": sha256_of_file(file), "types": sorted(record["types"]), "code": _code(file.parent)}
    return hmac.new(key, json.dumps(signed_parts, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _key(*, make: bool) -> bytes:
    """The user's key: of the environment, or in a file that only the user can read."""
    if given := os.environ.get(KEY):
        return given.encode()
    # CWL runners name the step's own folder as its home.
    path = Path(pwd.getpwuid(os.getuid()).pw_dir) / _KEY_FILE
    try:
        return path.read_bytes()
    except OSError:
        if not make:
            return b""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
        with suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
        return path.read_bytes()
    except OSError as error:
        raise MlcraftError(
            f"the key that models are signed with cannot be kept in {path} ({error.strerror}); give one in {KEY}"
        ) from None
