"""What a step may use on behalf of whoever started it: own code, connections, secrets, paths and hosts."""

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
"""The environment variable that hands the permissions, as JSON, to a step that runs as a program of its own."""

_REMOTE = ("http", "https", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "hdfs", "webhdfs", "sftp", "ssh",
           "ftp", "smb", "webdav", "oss", "hf")  # fmt: skip
"""Schemes that lead to another machine; fsspec has others, which read this one's files."""
_BUCKETS = ("s3", "s3a", "gs", "gcs", "oss")
"""Schemes whose keys go to the storage itself, whatever bucket an address names."""

_ANY = "*"


@dataclass(frozen=True)
class Permissions:
    """With `everything`, as for whoever runs a step on his own machine, nothing is refused."""

    everything: bool = True
    run_code: bool = False
    known: tuple[str, ...] = ()
    """Texts that the document itself gives: defaults, constants of valueFrom, arguments."""
    code: tuple[str, ...] = ()
    """Files that the document itself gives; own code with the content of one of them is the document's."""
    staged: str = ""
    """Folder that the files of this very step were put into, as links into the store."""
    ledger: str = ""
    """Folder with the hashes of code that documents have given before."""
    connections: tuple[str, ...] = ()
    """Names, or `name=host` where the connection itself names no host."""
    secrets: tuple[str, ...] = ()
    """`variable=host`: what may be sent where."""
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    private: bool = False
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset(self.known))

    def to_json(self) -> str:
        """For `VARIABLE`."""
        return json.dumps({name: value for name, value in asdict(self).items() if not name.startswith("_")})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Permissions:
        """Those in `VARIABLE`; without it, everything."""
        text = environment.get(VARIABLE)
        if not text:
            return cls()
        given: Any = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**given)

    @property
    def addresses(self) -> AddressRules | None:
        """The rules for the network; none where nothing is refused."""
        return None if self.everything else AddressRules(self._hosts(), self.hosts, self.private)

    def check_code(self, path: Path) -> None:
        """Own code comes from the document, unless `run_code` is on."""
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
        """An address of a source, before anything is asked there."""
        if self.everything or source in self._known or "://" not in source:
            return
        # As it is written: what reads it may take FILE or HTTP for another scheme than file or http.
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
        """A file of this machine, symbolic links resolved: below an allowed path, or in the step's own folder."""
        if (folder is not None and is_inside_folder(path, folder)) or self._may_use(path, source):
            return
        raise RefusedError(
            f"a run may not read {source} on this machine; upload the file, or let an administrator add its folder to "
            "[mlcraft] allowed_paths"
        )

    def check_target(self, path: Path, source: str) -> None:
        """A folder of this machine that is written into, and stays when the step ends."""
        if not self._may_use(path, source):
            raise RefusedError(
                f"a run may not write into {source} on this machine; the document can name the folder, or an "
                "administrator can add it to [mlcraft] allowed_paths"
            )

    def _may_use(self, path: Path, source: str) -> bool:
        return (
            self.everything
            or source in self._known
            or any(is_inside_folder(path, os.path.expanduser(allowed)) for allowed in self.paths)  # noqa: PTH111
        )

    def check_named_file(self, path: Path, source: str, folder: Path) -> None:
        """A file or folder that an option names: an input of this step, or else a path as for `check_path`.

        A text of a run that looks like an option, in an array of texts, may name any.
        """
        if not (self.everything or self._is_staged(path) or os.path.abspath(path) in self.code):  # noqa: PTH100
            self.check_path(path, source, folder)

    def check_connection(self, name: str) -> None:
        """A connection by its name, before it is looked up."""
        if self.everything or _ANY in self.connections:
            return
        if name not in self._listed() and name not in self._known:
            raise RefusedError(
                f"a run may not use the connection {name!r} here; the document can name it, or an administrator can "
                "add it to [mlcraft] allowed_connections"
            )

    def check_connection_host(self, name: str, source: str, uri: str) -> None:
        """That the key of a connection goes to no other host than its own."""
        if self.everything or _ANY in self.connections:
            return
        scheme, host = source.partition("://")[0].lower(), _host(source)
        if "://" not in source or scheme in _BUCKETS:
            return
        own = {_host(uri), _host(unquote(uri.partition("://")[2])), self._listed().get(name, "").lower()} - {""}
        if host in own or (name in self._known and host in self._hosts()):
            return
        raise RefusedError(
            f"the connection {name!r} is not for {host}: its key goes only to "
            f"{' or '.join(sorted(own)) or 'a host that it names'}; an administrator can add {name}={host} to "
            "[mlcraft] allowed_connections"
        )

    def check_secret(self, name: str, source: str) -> None:
        """An environment variable, and that it goes only to the host that it is for."""
        host = _host(source)
        if self.everything or _ANY in self.secrets or f"{name}={host}" in self.secrets:
            return
        if name in self._known and host in self._hosts():
            return
        raise RefusedError(
            f"a run may not send the environment variable {name} to {host}; the document can name both, or an "
            f"administrator can add {name}={host} to [mlcraft] allowed_secrets"
        )

    def _is_staged(self, path: Path) -> bool:
        """Whether the file was put there for this step, itself as a link into the store."""
        return bool(self.staged) and path.name != ".." and is_inside_folder(path.parent, self.staged)

    def _listed(self) -> dict[str, str]:
        return {one.partition("=")[0]: one.partition("=")[2] for one in self.connections}

    def _hosts(self) -> frozenset[str]:
        return frozenset(host for text in self._known if (host := _host(text)))

    def _is_in_ledger(self, content: bytes) -> bool:
        return bool(self.ledger) and (Path(self.ledger) / hashlib.sha256(content).hexdigest()).is_file()


_in_force: list[Permissions] = []


@contextmanager
def in_force(permissions: Permissions) -> Iterator[None]:
    """For as long as the block lasts, these are the `current` ones of this process."""
    _in_force.append(permissions)
    try:
        with user_code.guarded(permissions.check_code):
            yield
    finally:
        _in_force.remove(permissions)


def current() -> Permissions:
    """The permissions of the step that this process does; everything outside of one."""
    return _in_force[-1] if _in_force else Permissions()


def remember_code(ledger: Path, path: Path) -> None:
    """Note that a document has given this code, so that a model which takes it along can be used later."""
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


def texts_of(value: Any) -> list[str]:
    """All texts in a value that a document gives."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts_of(item)]
    return [text for item in value for text in texts_of(item)] if isinstance(value, list | tuple) else []
