"""The header by which a server knows us, from an environment variable, a connection or the address itself."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.sources.source import Call

_AUTHORIZATION = "Authorization"


def key_headers(call: Call) -> dict[str, str]:
    """At most one header."""
    if call.key_env and call.connection:
        raise StepError("--key-env and --connection both say what opens the source; give one of them")
    connection = call.opened()
    if connection is not None:
        if connection.login:
            return _basic(call, connection.login, connection.password)
        return _named(call, connection.password, f"the connection {call.connection} has no password, which is the key")
    if call.key_env:
        call.services.permissions.check_secret(call.key_env, call.source)
        key = call.services.secret(call.key_env)
        return _named(call, key or "", f"the environment variable {call.key_env} is not set; it should hold the key")
    parts = urlsplit(call.source)
    if parts.username or parts.password:
        call.say("the address has a user and password in it, which others can read; better keep them in a connection")
        return _basic(call, unquote(parts.username or ""), unquote(parts.password or ""))
    return {}


def _basic(call: Call, login: str, password: str) -> dict[str, str]:
    encoded = b64encode(f"{login}:{password}".encode()).decode()
    call.secrets.add(password)
    call.secrets.add(encoded)
    return {_AUTHORIZATION: f"Basic {encoded}"}


def _named(call: Call, key: str, missing: str) -> dict[str, str]:
    """`--key-header` is the header's name; a word after a colon comes before the key, as in `Authorization: Token`."""
    key = key.strip()
    if not key:
        raise StepError(missing)
    call.secrets.add(key)
    if not key.isascii() or not key.isprintable():
        raise StepError("the key has characters that no header may have; is it the key itself?")
    name, colon, word = (call.key_header or f"{_AUTHORIZATION}: Bearer").partition(":")
    name, word = name.strip(), word.strip()
    if not colon and name.lower() == _AUTHORIZATION.lower():
        word = "Bearer"
    if not name or not name.replace("-", "").replace("_", "").isalnum() or not word.isascii() or not name.isascii():
        raise StepError(f"--key-header {call.key_header!r} is no name of a header; expected one such as X-Api-Key")
    return {name: f"{word} {key}".strip()}
