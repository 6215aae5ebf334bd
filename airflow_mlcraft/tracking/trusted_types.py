"""The types of a model file that may be loaded: known ones, signed ones, and those that the user names.

A model with types beyond scikit-learn is signed when it is written: with the user's key, over the model file, the
code beside it and the names of the types. Users with the same key can load it; others have to trust its types.
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
    """Return the types in the environment variable MLCRAFT_TRUSTED_TYPES."""
    return {name.strip() for name in os.environ.get(TRUSTED, "").split(",") if name.strip()}


def sign(file: Path, types: Iterable[str]) -> dict[str, Any]:
    """Return the record for model.json: types, their packages, and the signature. `file` is the model file."""
    names = sorted(types)
    modules = {name.partition(".")[0] for name in names}
    record: dict[str, Any] = {"types": names, "packages": describe_packages(modules), "code": _hash_code(file.parent)}
    return {**record, "signature": _compute_signature(file, record, _read_key(create=True))}


def sign_code(content: str, *, create: bool) -> str:
    """Sign a description of code with the user's key; "" if there is no key and `create` does not allow one."""
    key = _read_key(create=create)
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest() if key else ""


def read_signed_types(file: Path) -> set[str]:
    """Return the types covered by a signature with this user's key; none if there is no valid signature."""
    try:
        record = json.loads((file.parent / CARD).read_text("utf-8"))[RECORD]
        names, found = set(map(str, record["types"])), str(record["signature"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    key = _read_key(create=False)
    if not key or not hmac.compare_digest(found, _compute_signature(file, record, key)):
        return set()
    for package in record.get("packages", ()):
        _check_version(str(package.get("name")), str(package.get("version")))
    return names


def describe_packages(modules: Iterable[str]) -> list[dict[str, str]]:
    """Return the installed distributions of modules: name, version, and the hash of the list of their files."""
    wanted = set(modules) - _ALWAYS_THERE
    if not wanted:
        return []
    distributions_of = packages_distributions()
    names = sorted({name for module in wanted for name in distributions_of.get(module, ())})
    return [_describe_package(name) for name in names]


def find_library_modules(schema: Any) -> set[str]:
    """Return the top-level modules of all types in a model file's schema, and of boosters beside it."""
    found, pending = set[str](), [schema]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(module := value.get("__module__"), str):
                found.add(module.partition(".")[0])
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, str) and value.strip('"') in SUFFIXES:
            found.add(value.strip('"'))
    return found - _ALWAYS_THERE


def untrusted_types_error(file: Path, types: Iterable[str]) -> MlcraftError:
    """Build the error for types that are not trusted, with what to do about them."""
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


def _describe_package(name: str) -> dict[str, str]:
    found = distribution(name)
    listed = found.read_text("RECORD") or found.read_text("METADATA") or ""
    return {"name": name, "version": found.version, "sha256": hashlib.sha256(listed.encode()).hexdigest()}


def _check_version(name: str, version: str) -> None:
    try:
        installed = distribution(name).version
    except PackageNotFoundError:
        raise MlcraftError(f"the model needs {name} {version}, which is not installed here") from None
    if installed != version:
        warnings.warn(f"the model was made with {name} {version}, and {installed} is installed", stacklevel=2)


def _hash_code(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in sorted((folder / CODE).glob("*.py"))}


def _compute_signature(file: Path, record: Mapping[str, Any], key: bytes) -> str:
    signed_parts = {"model": sha256_of_file(file), "types": sorted(record["types"]), "code": _hash_code(file.parent)}
    return hmac.new(key, json.dumps(signed_parts, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _read_key(*, create: bool) -> bytes:
    """Return the user's key: from the environment, or from a file that only the user can read."""
    if given := os.environ.get(KEY):
        return given.encode()
    # The home folder of the password database: CWL runners set HOME to the step's own folder.
    path = Path(pwd.getpwuid(os.getuid()).pw_dir) / _KEY_FILE
    try:
        return path.read_bytes()
    except OSError:
        if not create:
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
