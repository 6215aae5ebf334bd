"""`mlcraft-step retrieve`: data from where it is into `data.<ext>`, with what is known of it."""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.common.hashing import hash_of_file
from airflow_mlcraft.common.urls import mask_url
from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.profile_table import profile_lines
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.steps.sources import local
from airflow_mlcraft.steps.sources.download_cache import Kept, put, room
from airflow_mlcraft.steps.sources.secrets import secrets_of
from airflow_mlcraft.steps.sources.source import Call

if TYPE_CHECKING:
    from airflow_mlcraft.ml.data.profile import Profile

_HASHES = ("md5", "sha1", "sha256", "sha512")
_EXTENSIONS = {"text": "txt"}
_WEB = ("http", "https")
_BUNDLED = "sklearn:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--source", default="", help="https://…, s3://… or another address, a path or pattern, sklearn:NAME, sql"
    )
    parser.add_argument("--sources", nargs="+", default=[], metavar="SOURCE", help="several sources of one form")
    parser.add_argument(
        "--file",
        action="extend",
        nargs="+",
        default=[],
        metavar="FILE",
        help="files that are here already, instead of a source",
    )
    parser.add_argument("--code", metavar="FILE", help="a Python file with `retrieve(sources, fetch)`")
    parser.add_argument("--query", default="", help="with the source sql: the statement whose rows are wanted")
    parser.add_argument("--connection", default="", help="the connection that has address, user, password or key")
    parser.add_argument("--key-env", default="", help="the environment variable that holds the key for http(s)")
    parser.add_argument(
        "--key-header", default="", help="the header that the key goes into; Authorization: Bearer otherwise"
    )
    parser.add_argument("--format", default="auto", choices=["auto", "csv", "json", "jsonl", "parquet", "text"])
    parser.add_argument("--checksum", default="", help="md5:… or sha256:…, which the data must have")
    parser.add_argument("--name", default="", help="what the data set is called; the name of its file otherwise")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Bring the data, check it, and tell what it holds. No secret is in what is said, kept or raised."""
    call = Call(
        source=options.source,
        folder=folder,
        services=services,
        query=options.query,
        connection=options.connection,
        key_env=options.key_env,
        key_header=options.key_header,
        checksum=_checksum(options.checksum),
    )
    try:
        _retrieve(call, options)
    except MlcraftError as error:
        raise StepError(call.secrets.mask(str(error)), temporary=getattr(error, "temporary", False)) from None
    except OSError as error:
        place = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        raise StepError(
            call.secrets.mask(f"a file cannot be read or written: {error.strerror or error}{place}")
        ) from None


def _retrieve(call: Call, options: argparse.Namespace) -> None:
    sources = [*([call.source] if call.source else []), *options.sources]
    if bool(sources) == bool(options.file):
        raise StepError("give --source or --file, or --sources, and only one of them")
    if len(sources) > 1 and call.checksum:
        raise StepError("--checksum is of one source, and there are several")
    calls = [replace(call, source=source) for source in sources] or [call]
    with _brought(calls, options) as data:
        profile = _profile(data, options.format)
        target = call.folder / f"data.{_extension(profile)}"
        put(data, target)
    _tell(calls, options, target, profile)


@contextmanager
def _brought(calls: list[Call], options: argparse.Namespace) -> Iterator[Path]:
    """All data in one file, for as long as it is looked at."""
    if options.code is None and len(calls) == 1:
        with _one(calls[0], options, calls[0].folder) as data:
            yield data
        return
    with room(None, calls[0].folder, "") as place:
        if options.code is not None:
            from airflow_mlcraft.steps.sources import user_retriever

            code = inputs.file(calls[0].folder, options.code, "code")
            yield user_retriever.write(code, [call.source for call in calls], _fetch(calls[0], options, place), place)
        else:
            yield _together(calls, options, place)


@contextmanager
def _one(call: Call, options: argparse.Namespace, folder: Path) -> Iterator[Path]:
    """The data of one source, checked; kept between tries where the source is elsewhere."""
    away = bool(_scheme(call.source))
    identity = "\0".join((call.source, call.connection, call.key_env, call.key_header))
    with room(call.services.state if away else None, folder, identity) as place:
        data = _fetched(call, options, place)
        _check(data, call, place)
        yield data


def _together(calls: list[Call], options: argparse.Namespace, place: Path) -> Path:
    from airflow_mlcraft.steps.sources.concat import joined

    files = []
    for number, call in enumerate(calls):
        beside = place / str(number)
        beside.mkdir()
        with _one(call, options, beside) as data:
            files.append(beside / data.name)
            put(data, files[-1])
    return joined(files, place, options.format)


def _fetch(call: Call, options: argparse.Namespace, place: Path) -> Callable[[str], Any]:
    """What the user's code brings a source with, as a frame."""

    def fetch(source: str) -> Any:
        from airflow_mlcraft.ml.data.read import read_frame

        beside = Path(tempfile.mkdtemp(dir=place))
        with _one(replace(call, source=source), options, beside) as data:
            return read_frame(data, options.format)

    return fetch


def _fetched(call: Call, options: argparse.Namespace, place: Path) -> Path:
    """The data as a file in the room."""
    from airflow_mlcraft.steps.sources.concat import joined

    scheme = _scheme(call.source)
    permissions = call.services.permissions
    permissions.check_source(call.source, connection=call.connection)
    if scheme in _WEB:
        return _from_web(call, place)
    if scheme:
        return joined(_from_remote(call, place), place, options.format)
    if call.source.startswith(_BUNDLED):
        from airflow_mlcraft.steps.sources import local

        return local.write(call.source, place)
    if call.source == "sql":
        from airflow_mlcraft.steps.sources import database

        call.say(f"asking the database of the connection {call.connection}")
        return database.write(call, place)
    here = call.folder
    if call.source:
        paths = local.found(
            local.path_of(call.source), here, lambda path: permissions.check_path(path, call.source, here)
        )
    else:
        paths = local.given(options.file, here)
    call.say(f"reading {paths[0].name}" if len(paths) == 1 else f"reading {len(paths)} files, from {paths[0].name} on")
    data = joined(paths, place, options.format)
    return data if data.parent == place else Path(shutil.copyfile(data, place / data.name))


def _scheme(source: str) -> str:
    """That of an address which is elsewhere."""
    if "://" not in source:
        return ""
    try:
        parts = urlsplit(source)
    except ValueError:
        raise StepError("the source is no address; expected one such as https://host/file.csv") from None
    if parts.scheme in _WEB and (not parts.hostname or re.search(r"\s", parts.netloc)):
        raise StepError("the source is no address: it names no host")
    scheme = source.partition("://")[0]
    return "" if scheme == "file" else scheme


def _from_web(call: Call, place: Path) -> Path:
    from airflow_mlcraft.steps.sources import web

    kept = Kept(place, _file_name(call.source))
    call.say(f"fetching {mask_url(call.source)}")
    if not _is_here(kept, call):
        web.fetch(call, kept)
    return kept.data


def _from_remote(call: Call, place: Path) -> list[Path]:
    from airflow_mlcraft.steps.sources.remote import Remote

    call.say(f"fetching {mask_url(call.source)}")
    single = Kept(place, _file_name(call.source))
    if _is_here(single, call):
        return [single.data]
    remote = Remote(call)
    paths = remote.paths()
    if len(paths) == 1:
        remote.fetch(paths[0], single)
        return [single.data]
    files = []
    for path in paths:
        kept = Kept(place / hashlib.sha256(path.encode()).hexdigest()[:20], _file_name(path))
        call.say(f"fetching {kept.data.name}")
        remote.fetch(path, kept)
        files.append(kept.data)
    return files


def _is_here(kept: Kept, call: Call) -> bool:
    """Whether nobody need be asked, since the checksum says what the data has to be."""
    if not call.checksum or not kept.data.is_file():
        return False
    algorithm, _, expected = call.checksum.partition(":")
    if hash_of_file(kept.data, algorithm) != expected:
        return False
    call.say("not fetched again: what is here has the checksum")
    return True


def _file_name(source: str) -> str:
    """The last part of a path, as a name that any disk takes."""
    path = urlsplit(source).path if "://" in source else source
    return re.sub(r"[^\w.-]", "_", unquote(path.rstrip("/").rpartition("/")[2])).lstrip(".")[-100:] or "data"


def _checksum(text: str) -> str:
    algorithm, colon, value = text.strip().lower().partition(":")
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2 if algorithm in _HASHES else 0
    if text and (not colon or not re.fullmatch(rf"[0-9a-f]{{{length}}}", value)):
        raise StepError(f"--checksum {text!r} is none; expected {', '.join(_HASHES)}, a colon and the hash in hex")
    return f"{algorithm}:{value}" if text else ""


def _check(data: Path, call: Call, place: Path) -> None:
    if not call.checksum:
        return
    algorithm, _, expected = call.checksum.partition(":")
    found = hash_of_file(data, algorithm)
    if found != expected:
        for kept in place.iterdir():
            if kept.is_dir():
                shutil.rmtree(kept, ignore_errors=True)
        raise StepError(
            f"the data has the checksum {algorithm}:{found}, but {call.checksum} is expected; "
            "either it has changed at its source, or it was damaged on its way"
        )


def _profile(data: Path, format: str) -> Profile:  # noqa: A002
    from airflow_mlcraft.ml.data.profile import profile_file

    profile = profile_file(data, format)
    if not profile["columns"]:
        raise StepError(f"{data.name} is empty: it has neither columns nor rows")
    if not profile["rows"]:
        names = ", ".join(list(profile["columns"])[:10])
        raise StepError(f"{data.name} is empty: it has the columns {names}, but no rows")
    return profile


def _extension(profile: Profile) -> str:
    extension = str(_EXTENSIONS.get(profile["format"], profile["format"]))
    return f"{extension}.gz" if profile.get("compression") else extension


def _tell(calls: list[Call], options: argparse.Namespace, target: Path, profile: Profile) -> None:
    """In the log, and in files."""
    call = calls[0]
    length = target.stat().st_size
    for line in profile_lines(profile, length):
        call.say(line)
    write_json(call.folder / "profile.json", profile)
    record = Record()
    source = ", ".join(_shown(one, options) for one in calls)
    record.param(source=source, format=profile["format"], query=call.secrets.mask(call.query) or None)
    nulls = sum(column["nulls"] for column in profile["columns"].values())
    record.metric({"rows": profile["rows"], "columns": len(profile["columns"]), "bytes": length, "nulls": nulls})
    record.dataset("data", options.name or _name(_shown(call, options)), "retrieval", profile)
    record.write(call.folder)


def _shown(call: Call, options: argparse.Namespace) -> str:
    """The source without secrets, and without the folders of this machine."""
    if options.file:
        return ", ".join(sorted(Path(name).name for name in options.file))
    if _scheme(call.source):
        for value in secrets_of(call.source):
            call.secrets.add(value)
        return call.secrets.mask(mask_url(call.source))
    if call.source == "sql" or call.source.startswith(_BUNDLED):
        return call.source
    return Path(local.path_of(call.source)).name


def _name(source: str) -> str:
    if source == "sql":
        return "query"
    return source.removeprefix(_BUNDLED) if source.startswith(_BUNDLED) else _file_name(source)
