"""Authentication header of HTTP requests, from an environment variable, a connection or the address itself."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.sources.source import Retrieval

_AUTHORIZATION = "Authorization"


def auth_headers(retrieval: Retrieval) -> dict[str, str]:
    """The header that authenticates at the source; an empty dict if no key is given."""
    if retrieval.key_env and retrieval.connection:
        raise StepError("--key-env and --connection both say what opens the source; give one of them")
    connection = retrieval.open_connection()
    if connection is not None:
        if connection.login:
            return _basic_auth(retrieval, connection.login, connection.password)
        return _key_header(
            retrieval, connection.password, f"the connection {retrieval.connection} has no password, which is the key"
        )
    if retrieval.key_env:
        retrieval.services.permissions.check_secret(retrieval.key_env, retrieval.source)
        key = retrieval.services.secret(retrieval.key_env)
        return _key_header(
            retrieval, key or "", f"the environment variable {retrieval.key_env} is not set; it should hold the key"
        )
    parts = urlsplit(retrieval.source)
    if parts.username or parts.password:
        retrieval.log(
            "the address has a user and password in it, which others can read; better keep them in a connection"
        )
        return _basic_auth(retrieval, unquote(parts.username or ""), unquote(parts.password or ""))
    return {}


def _basic_auth(retrieval: Retrieval, login: str, password: str) -> dict[str, str]:
    encoded = b64encode(f"{login}:{password}".encode()).decode()
    retrieval.secrets.add(password)
    retrieval.secrets.add(encoded)
    return {_AUTHORIZATION: f"Basic {encoded}"}


def _key_header(retrieval: Retrieval, key: str, missing: str) -> dict[str, str]:
    """The header with a key. `--key-header` has its name and, after a colon, a prefix, as in `Authorization: Token`."""
    key = key.strip()
    if not key:
        raise StepError(missing)
    retrieval.secrets.add(key)
    if not key.isascii() or not key.isprintable():
        raise StepError("the key has characters that no header may have; is it the key itself?")
    name, colon, prefix = (retrieval.key_header or f"{_AUTHORIZATION}: Bearer").partition(":")
    name, prefix = name.strip(), prefix.strip()
    if not colon and name.lower() == _AUTHORIZATION.lower():
        prefix = "Bearer"
    if not name or not name.replace("-", "").replace("_", "").isalnum() or not prefix.isascii() or not name.isascii():
        raise StepError(f"--key-header {retrieval.key_header!r} is no name of a header; expected one such as X-Api-Key")
    return {name: f"{prefix} {key}".strip()}
