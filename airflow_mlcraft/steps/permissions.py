"""Permissions of a step: which user code, connections, secrets, paths and hosts it may use."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.common.network_access import AddressRules
from airflow_mlcraft.common.safe_names import is_inside_folder
from airflow_mlcraft.errors import RefusedError
from airflow_mlcraft.ml import user_code

VARIABLE = "MLCRAFT_STEP_PERMISSIONS"
"""The environment variable that passes permissions, as JSON, to a step that runs in a process of its own."""

_REMOTE = ("http", "https", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "hdfs", "webhdfs", "sftp", "ssh",
           "ftp", "smb", "webdav", "oss", "hf")  # fmt: skip
"""Schemes of other machines; some others of fsspec read files of this machine."""
_BUCKETS = ("s3", "s3a", "gs", "gcs", "oss")
"""Schemes whose keys are sent to the storage service itself, whatever bucket an address names."""

_ANY = "*"


@dataclass(frozen=True)
class Permissions:
    """With `everything`, which is the default for steps that a user runs as a command, nothing is refused."""

    everything: bool = True
    run_code: bool = False
    known: tuple[str, ...] = ()
    """Texts in the document itself: defaults, constants of valueFrom, arguments."""
    code: tuple[str, ...] = ()
    """Files that the document itself names; user code with the content of one of them belongs to the document."""
    staged: str = ""
    """Folder into which the input files of this step are staged, as links into the store."""
    ledger: str = ""
    """Folder with the hashes of code that documents have named before."""
    connections: tuple[str, ...] = ()
    """Names, or `name=host` where the connection itself names no host."""
    secrets: tuple[str, ...] = ()
    """`variable=host`: environment variables, and the host that each may be sent to."""
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    private: bool = False
    _document_texts: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_document_texts", frozenset(self.known))

    def to_json(self) -> str:
        """As JSON, for the environment variable `VARIABLE`."""
        return json.dumps({name: value for name, value in asdict(self).items() if not name.startswith("_")})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Permissions:
        """The permissions in `VARIABLE`; everything if it is not set."""
        text = environment.get(VARIABLE)
        if not text:
            return cls()
        fields: Any = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**fields)

    @property
    def addresses(self) -> AddressRules | None:
        """The rules for network access; None if nothing is refused."""
        return None if self.everything else AddressRules(self._hosts(), self.hosts, self.private)

    def check_code(self, path: Path) -> None:
        """Raise an error for user code that is not the document's, unless `run_code` is on."""
        if self.everything or self.run_code:
            return
        content = path.read_bytes()
        if any(_has_content(Path(one), content) for one in self.code) or self._is_in_ledger(content):
            return
        raise RefusedError(
            f"{path.name} is own code that came with the run, and runs do not bring code here; put it into the "
            "document, as the default of its input, or let an administrator set [mlcraft] run_code"
        )

    def check_source(self, source: str, *, connection: str = "") -> None:
        """Raise an error if a step may not read from a source; called before any request."""
        if self.everything or source in self._document_texts or "://" not in source:
            return
        # The scheme's case is kept: libraries may treat FILE or HTTP as other schemes than file or http.
        scheme = source.partition("://")[0]
        if scheme == "file":
            return
        if scheme not in _REMOTE:
            raise RefusedError(
                f"a run may not name a source of {scheme}:// here; expected http(s):// or one of "
                f"{', '.join(name for name in _REMOTE if name not in ('http', 'https'))}, or the source in the document"
            )
        rules = AddressRules(self._hosts(), self.hosts, self.private)
        if scheme in ("http", "https"):
            rules.check(source)
            return
        place = urlsplit(source).hostname or urlsplit(source).netloc
        if scheme not in _BUCKETS:
            rules.check(source)
        if not connection and not rules.is_known(place):
            raise RefusedError(
                f"{scheme}://{place} would be opened with the worker's own keys; name a connection for it, or let an "
                f"administrator add {place} to [mlcraft] allowed_hosts"
            )

    def check_path(self, path: Path, source: str, folder: Path | None = None) -> None:
        """Raise an error for a path that is, symbolic links resolved, neither allowed nor in the step's own folder."""
        if (folder is not None and is_inside_folder(path, folder)) or self._may_use(path, source):
            return
        raise RefusedError(
            f"a run may not read {source} on this machine; upload the file, or let an administrator add its folder to "
            "[mlcraft] allowed_paths"
        )

    def check_target(self, path: Path, source: str) -> None:
        """Raise an error if a step may not write into a folder that remains when it ends."""
        if not self._may_use(path, source):
            raise RefusedError(
                f"a run may not write into {source} on this machine; the document can name the folder, or an "
                "administrator can add it to [mlcraft] allowed_paths"
            )

    def _may_use(self, path: Path, source: str) -> bool:
        return (
            self.everything
            or source in self._document_texts
            or any(is_inside_folder(path, os.path.expanduser(allowed)) for allowed in self.paths)  # noqa: PTH111
        )

    def check_named_file(self, path: Path, source: str, folder: Path) -> None:
        """Raise an error for a path that an option names, if it is no input of this step and `check_path` refuses it.

        A run could otherwise name any path by a text that looks like an option, in an array of texts.
        """
        if not (self.everything or self._is_staged(path) or os.path.abspath(path) in self.code):  # noqa: PTH100
            self.check_path(path, source, folder)

    def check_connection(self, name: str) -> None:
        """Raise an error if a step may not use a connection; called before the connection is looked up."""
        if self.everything or _ANY in self.connections:
            return
        if name not in self._hosts_by_connection() and name not in self._document_texts:
            raise RefusedError(
                f"a run may not use the connection {name!r} here; the document can name it, or an administrator can "
                "add it to [mlcraft] allowed_connections"
            )

    def check_connection_host(self, name: str, source: str, uri: str) -> None:
        """Raise an error if the key of a connection would be sent to another host than its own."""
        if self.everything or _ANY in self.connections:
            return
        scheme, host = source.partition("://")[0].lower(), _host(source)
        if "://" not in source or scheme in _BUCKETS:
            return
        own = {
            _host(uri),
            _host(unquote(uri.partition("://")[2])),
            self._hosts_by_connection().get(name, "").lower(),
        } - {""}
        if host in own or (name in self._document_texts and host in self._hosts()):
            return
        raise RefusedError(
            f"the connection {name!r} is not for {host}: its key goes only to "
            f"{' or '.join(sorted(own)) or 'a host that it names'}; an administrator can add {name}={host} to "
            "[mlcraft] allowed_connections"
        )

    def check_secret(self, name: str, source: str) -> None:
        """Raise an error if an environment variable may not be sent to the host of a source."""
        host = _host(source)
        if self.everything or _ANY in self.secrets or f"{name}={host}" in self.secrets:
            return
        if name in self._document_texts and host in self._hosts():
            return
        raise RefusedError(
            f"a run may not send the environment variable {name} to {host}; the document can name both, or an "
            f"administrator can add {name}={host} to [mlcraft] allowed_secrets"
        )

    def _is_staged(self, path: Path) -> bool:
        """Whether a path is an input staged for this step; the file itself may be a link into the store."""
        return bool(self.staged) and path.name != ".." and is_inside_folder(path.parent, self.staged)

    def _hosts_by_connection(self) -> dict[str, str]:
        return {one.partition("=")[0]: one.partition("=")[2] for one in self.connections}

    def _hosts(self) -> frozenset[str]:
        return frozenset(host for text in self._document_texts if (host := _host(text)))

    def _is_in_ledger(self, content: bytes) -> bool:
        return bool(self.ledger) and (Path(self.ledger) / hashlib.sha256(content).hexdigest()).is_file()


_active: list[Permissions] = []


@contextmanager
def apply_permissions(permissions: Permissions) -> Iterator[None]:
    """Make these the `current` permissions of this process within the context."""
    _active.append(permissions)
    try:
        with user_code.check_code_loads(permissions.check_code):
            yield
    finally:
        _active.remove(permissions)


def current() -> Permissions:
    """The permissions of the step that this process runs; everything outside of a step."""
    return _active[-1] if _active else Permissions()


def remember_code(ledger: Path, path: Path) -> None:
    """Record that a document names this code, so that a model with the code can be used later."""
    ledger.mkdir(parents=True, exist_ok=True)
    (ledger / sha256_of_file(path)).touch()


def _has_content(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _host(address: str) -> str:
    if "://" not in address:
        return ""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def find_texts(value: Any) -> list[str]:
    """All texts in a value of a document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in find_texts(item)]
    return [text for item in value for text in find_texts(item)] if isinstance(value, list | tuple) else []
