"""`mlcraft-step retrieve`: data from a source into `data.<ext>`, with a profile."""

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
from airflow_mlcraft.steps.profile_table import format_profile
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.steps.sources import local
from airflow_mlcraft.steps.sources.download_cache import DownloadCache, link_or_copy, lock_cache_folder
from airflow_mlcraft.steps.sources.secrets import find_secrets
from airflow_mlcraft.steps.sources.source import Retrieval

if TYPE_CHECKING:
    from airflow_mlcraft.ml.data.profile import Profile

_HASH_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_EXTENSIONS = {"text": "txt"}
_WEB = ("http", "https")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `retrieve`."""
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
    """Retrieve the data, check them, and write their profile. Secrets are masked in logs, files and errors."""
    retrieval = Retrieval(
        source=options.source,
        folder=folder,
        services=services,
        query=options.query,
        connection=options.connection,
        key_env=options.key_env,
        key_header=options.key_header,
        checksum=_parse_checksum(options.checksum),
    )
    try:
        _retrieve(retrieval, options)
    except MlcraftError as error:
        raise StepError(retrieval.secrets.mask(str(error)), temporary=getattr(error, "temporary", False)) from None
    except OSError as error:
        place = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        raise StepError(
            retrieval.secrets.mask(f"a file cannot be read or written: {error.strerror or error}{place}")
        ) from None


def _retrieve(retrieval: Retrieval, options: argparse.Namespace) -> None:
    sources = [*([retrieval.source] if retrieval.source else []), *options.sources]
    if bool(sources) == bool(options.file):
        raise StepError("give --source or --file, or --sources, and only one of them")
    if len(sources) > 1 and retrieval.checksum:
        raise StepError("--checksum is of one source, and there are several")
    retrievals = [replace(retrieval, source=source) for source in sources] or [retrieval]
    with _open_data(retrievals, options) as data:
        profile = _profile(data, options.format)
        target = retrieval.folder / f"data.{_file_extension(profile)}"
        link_or_copy(data, target)
    _write_outputs(retrievals, options, target, profile)


@contextmanager
def _open_data(retrievals: list[Retrieval], options: argparse.Namespace) -> Iterator[Path]:
    """One file with the data of all sources, which exists within the context."""
    if options.code is None and len(retrievals) == 1:
        with _open_source(retrievals[0], options, retrievals[0].folder) as data:
            yield data
        return
    with lock_cache_folder(None, retrievals[0].folder, "") as place:
        if options.code is not None:
            from airflow_mlcraft.steps.sources import user_retriever

            code = inputs.file(retrievals[0].folder, options.code, "code")
            sources = [retrieval.source for retrieval in retrievals]
            yield user_retriever.run_retriever(code, sources, _fetch_function(retrievals[0], options, place), place)
        else:
            yield _concat_sources(retrievals, options, place)


@contextmanager
def _open_source(retrieval: Retrieval, options: argparse.Namespace, folder: Path) -> Iterator[Path]:
    """The file with the data of one source, its checksum checked; remote sources are cached between tries."""
    is_remote = bool(_scheme(retrieval.source))
    identity = "\0".join((retrieval.source, retrieval.connection, retrieval.key_env, retrieval.key_header))
    with lock_cache_folder(retrieval.services.state if is_remote else None, folder, identity) as place:
        data = _download(retrieval, options, place)
        _check_checksum(data, retrieval, place)
        yield data


def _concat_sources(retrievals: list[Retrieval], options: argparse.Namespace, place: Path) -> Path:
    from airflow_mlcraft.steps.sources.concat import concat_files

    files = []
    for number, retrieval in enumerate(retrievals):
        subfolder = place / str(number)
        subfolder.mkdir()
        with _open_source(retrieval, options, subfolder) as data:
            files.append(subfolder / data.name)
            link_or_copy(data, files[-1])
    return concat_files(files, place, options.format)


def _fetch_function(retrieval: Retrieval, options: argparse.Namespace, place: Path) -> Callable[[str], Any]:
    """The function `fetch(source)` for the user's code, which returns a source as a frame."""

    def fetch(source: str) -> Any:
        from airflow_mlcraft.ml.data.read import read_frame

        subfolder = Path(tempfile.mkdtemp(dir=place))
        with _open_source(replace(retrieval, source=source), options, subfolder) as data:
            return read_frame(data, options.format)

    return fetch


def _download(retrieval: Retrieval, options: argparse.Namespace, place: Path) -> Path:
    """Bring the data of one source into the folder `place`, as one file."""
    from airflow_mlcraft.steps.sources.concat import concat_files

    scheme = _scheme(retrieval.source)
    permissions = retrieval.services.permissions
    permissions.check_source(retrieval.source, connection=retrieval.connection)
    if scheme in _WEB:
        return _download_from_web(retrieval, place)
    if scheme:
        return concat_files(_download_from_filesystem(retrieval, place), place, options.format)
    if retrieval.source.startswith(local.BUNDLED_SCHEME):
        return local.write_bundled_dataset(retrieval.source, place)
    if retrieval.source == "sql":
        from airflow_mlcraft.steps.sources import database

        retrieval.log(f"asking the database of the connection {retrieval.connection}")
        return database.write_query_result(retrieval, place)
    here = retrieval.folder
    if retrieval.source:
        paths = local.find_files(
            local.to_path(retrieval.source), here, lambda path: permissions.check_path(path, retrieval.source, here)
        )
    else:
        paths = local.check_files(options.file, here)
    retrieval.log(
        f"reading {paths[0].name}" if len(paths) == 1 else f"reading {len(paths)} files, from {paths[0].name} on"
    )
    data = concat_files(paths, place, options.format)
    return data if data.parent == place else Path(shutil.copyfile(data, place / data.name))


def _scheme(source: str) -> str:
    """The scheme of a remote address; empty for local paths, `sql` and data sets of scikit-learn."""
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


def _download_from_web(retrieval: Retrieval, place: Path) -> Path:
    from airflow_mlcraft.steps.sources import web

    cache = DownloadCache(place, _file_name(retrieval.source))
    retrieval.log(f"fetching {mask_url(retrieval.source)}")
    if not _is_cached(cache, retrieval):
        web.download(retrieval, cache)
    return cache.data


def _download_from_filesystem(retrieval: Retrieval, place: Path) -> list[Path]:
    from airflow_mlcraft.steps.sources.remote import RemoteFiles

    retrieval.log(f"fetching {mask_url(retrieval.source)}")
    cache = DownloadCache(place, _file_name(retrieval.source))
    if _is_cached(cache, retrieval):
        return [cache.data]
    remote = RemoteFiles(retrieval)
    paths = remote.paths()
    if len(paths) == 1:
        remote.download(paths[0], cache)
        return [cache.data]
    files = []
    for path in paths:
        cache = DownloadCache(place / hashlib.sha256(path.encode()).hexdigest()[:20], _file_name(path))
        retrieval.log(f"fetching {cache.data.name}")
        remote.download(path, cache)
        files.append(cache.data)
    return files


def _is_cached(cache: DownloadCache, retrieval: Retrieval) -> bool:
    """Whether the cached data have the expected checksum, so that no request is needed."""
    if not retrieval.checksum or not cache.data.is_file():
        return False
    algorithm, _, expected = retrieval.checksum.partition(":")
    if hash_of_file(cache.data, algorithm) != expected:
        return False
    retrieval.log("not fetched again: what is here has the checksum")
    return True


def _file_name(source: str) -> str:
    """The last part of a path, reduced to characters that are safe in file names."""
    path = urlsplit(source).path if "://" in source else source
    return re.sub(r"[^\w.-]", "_", unquote(path.rstrip("/").rpartition("/")[2])).lstrip(".")[-100:] or "data"


def _parse_checksum(text: str) -> str:
    algorithm, colon, value = text.strip().lower().partition(":")
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2 if algorithm in _HASH_ALGORITHMS else 0
    if text and (not colon or not re.fullmatch(rf"[0-9a-f]{{{length}}}", value)):
        raise StepError(
            f"--checksum {text!r} is none; expected {', '.join(_HASH_ALGORITHMS)}, a colon and the hash in hex"
        )
    return f"{algorithm}:{value}" if text else ""


def _check_checksum(data: Path, retrieval: Retrieval, place: Path) -> None:
    if not retrieval.checksum:
        return
    algorithm, _, expected = retrieval.checksum.partition(":")
    found = hash_of_file(data, algorithm)
    if found != expected:
        for cache in place.iterdir():
            if cache.is_dir():
                shutil.rmtree(cache, ignore_errors=True)
        raise StepError(
            f"the data has the checksum {algorithm}:{found}, but {retrieval.checksum} is expected; "
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


def _file_extension(profile: Profile) -> str:
    extension = str(_EXTENSIONS.get(profile["format"], profile["format"]))
    return f"{extension}.gz" if profile.get("compression") else extension


def _write_outputs(retrievals: list[Retrieval], options: argparse.Namespace, target: Path, profile: Profile) -> None:
    """Log the profile; write profile.json and record.json."""
    retrieval = retrievals[0]
    length = target.stat().st_size
    for line in format_profile(profile, length):
        retrieval.log(line)
    write_json(retrieval.folder / "profile.json", profile)
    record = Record()
    source = ", ".join(_source_for_display(one, options) for one in retrievals)
    record.add_params(source=source, format=profile["format"], query=retrieval.secrets.mask(retrieval.query) or None)
    nulls = sum(column["nulls"] for column in profile["columns"].values())
    record.add_metrics({"rows": profile["rows"], "columns": len(profile["columns"]), "bytes": length, "nulls": nulls})
    record.add_dataset(
        "data", options.name or _dataset_name(_source_for_display(retrieval, options)), "retrieval", profile
    )
    record.write(retrieval.folder)


def _source_for_display(retrieval: Retrieval, options: argparse.Namespace) -> str:
    """The source without secrets, and without the folders of this machine."""
    if options.file:
        return ", ".join(sorted(Path(name).name for name in options.file))
    if _scheme(retrieval.source):
        for value in find_secrets(retrieval.source):
            retrieval.secrets.add(value)
        return retrieval.secrets.mask(mask_url(retrieval.source))
    if retrieval.source == "sql" or retrieval.source.startswith(local.BUNDLED_SCHEME):
        return retrieval.source
    return Path(local.to_path(retrieval.source)).name


def _dataset_name(source: str) -> str:
    if source == "sql":
        return "query"
    return source.removeprefix(local.BUNDLED_SCHEME) if source.startswith(local.BUNDLED_SCHEME) else _file_name(source)
