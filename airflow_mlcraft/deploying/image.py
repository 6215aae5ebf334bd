"""The image of a model: built with pinned packages, an identity to reuse equal images and a smoke test, and pushed."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_mlcraft.deploying import build_context
from airflow_mlcraft.deploying.base_image import BaseImage, inspect_base_image
from airflow_mlcraft.deploying.build_context import ImageRecipe
from airflow_mlcraft.deploying.container import smoke_test
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.pins import compile_requirements, install_packages

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image as DockerImage

IDENTITY = "mlcraft.identity"
_BUILD_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_TAG = re.compile(
    r"(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)


@dataclass(frozen=True)
class PreparedImage:
    """An image before it is built. Equal identities mean equal images."""

    recipe: ImageRecipe
    base: BaseImage
    pins: str
    identity: str

    @property
    def labels(self) -> dict[str, str]:
        base = {"org.opencontainers.image.base.name": self.base.name}
        if self.base.digest:
            base["org.opencontainers.image.base.digest"] = self.base.digest
        return {**self.recipe.labels, **base, IDENTITY: self.identity}


@dataclass(frozen=True)
class Image:
    """A built image."""

    id: str
    tags: tuple[str, ...]
    size: int
    identity: str
    base: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def prepare(client: DockerClient, recipe: ImageRecipe, progress: ProgressReporter) -> PreparedImage:
    """Inspect the base image and resolve the packages, without building."""
    progress.start(f"Looking at {recipe.base}")
    base = inspect_base_image(client, recipe.base, progress)
    progress.start("Choosing packages")
    with _explain_disk_errors(), tempfile.TemporaryDirectory(prefix="mlcraft-image-") as folder:
        pins = compile_requirements(recipe, base, Path(folder))
    return PreparedImage(recipe, base, pins, build_context.compute_identity(recipe, pins, base.id))


def build(client: DockerClient, prepared: PreparedImage, tags: tuple[str, ...], progress: ProgressReporter) -> Image:
    """Build and test the image, then tag it. An equal image that exists already is only tagged."""
    for tag in tags:
        check_tag(tag)
    image = _find_image(client, prepared) or _smoke_test(client, _build_image(client, prepared, progress), progress)
    for tag in tags:
        repository, name = split_tag(tag)
        image.tag(repository, name)
    size = int(image.attrs["Size"])
    return Image(str(image.id), tags, size, prepared.identity, prepared.base.name, dict(image.labels))


def _find_image(client: DockerClient, prepared: PreparedImage) -> DockerImage | None:
    """An image with the same identity and a tag, which it has only if its smoke test passed."""
    found = client.images.list(filters={"label": f"{IDENTITY}={prepared.identity}", "dangling": False})
    return next((image for image in found if image.tags), None)


def _smoke_test(client: DockerClient, built: str, progress: ProgressReporter) -> DockerImage:
    progress.start("Trying the image")
    try:
        smoke_test(client, built, progress)
    except BaseException:
        client.images.remove(built, force=True)
        raise
    return client.images.get(built)


def check_tag(tag: str) -> None:
    """Raise a DeployingError if Docker does not take this name."""
    if not _TAG.fullmatch(tag):
        raise DeployingError(
            f"{tag!r} cannot be the name of an image",
            "expected [registry/]name[:tag] with a name in small letters, such as registry.example.com/iris:1",
        )


def split_tag(tag: str) -> tuple[str, str]:
    """Split a name into repository and tag. The colon of a registry's port is part of the repository."""
    head, slash, last = tag.rpartition("/")
    name, _, version = last.partition(":")
    return f"{head}{slash}{name}", version or "latest"


@contextmanager
def _write_context(prepared: PreparedImage, progress: ProgressReporter) -> Iterator[tuple[BinaryIO, int]]:
    """The build context as a temporary tar file, and its size."""
    progress.start("Fetching packages")
    with tempfile.TemporaryDirectory(prefix="mlcraft-image-") as folder:
        pins, packages, tar = (Path(folder) / name for name in ("pins.txt", "packages", "context.tar"))
        with _explain_disk_errors():
            pins.write_text(prepared.pins, "utf-8")
            install_packages(pins, prepared.base, packages)
            with tar.open("wb") as stream:
                build_context.write_context(prepared.recipe, prepared.pins, packages, stream)
            shutil.rmtree(packages)
        with tar.open("rb") as stream:
            yield stream, tar.stat().st_size


@contextmanager
def _explain_disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeployingError(
            f"the image's files cannot be written to {tempfile.gettempdir()}: {error.strerror or error}",
            "name a folder with room in TMPDIR",
        ) from error


class _ProgressStream:
    """A stream that reports how much of it was read."""

    def __init__(self, stream: BinaryIO, size: int, progress: ProgressReporter):
        self._stream, self._size, self._watch, self._read = stream, size, progress, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._read += len(block)
        self._watch.update("Sending the files to Docker", self._read, self._size)
        return block


def _build_image(client: DockerClient, prepared: PreparedImage, progress: ProgressReporter) -> str:
    with _write_context(prepared, progress) as (stream, size):
        return _run_build(client, prepared, _ProgressStream(stream, size, progress), progress)


def _run_build(client: DockerClient, prepared: PreparedImage, stream: Any, progress: ProgressReporter) -> str:
    """Build the image without a tag, so that an interrupted build leaves no named image, and return its id."""
    entries = client.api.build(
        fileobj=stream,
        custom_context=True,
        decode=True,
        rm=True,
        forcerm=True,
        pull=False,
        labels=prepared.labels,
        buildargs={"BASE": prepared.base.id},
    )
    built, last = "", ""
    for entry in entries:
        if "error" in entry:
            raise DeployingError(f"the image cannot be built: {entry['error'].strip()}{f' ({last})' if last else ''}")
        if built_id := (entry.get("aux") or {}).get("ID"):
            built = str(built_id)
        for line in str(entry.get("stream", "")).splitlines():
            if line.strip():
                progress.log(line)
            if step := _BUILD_STEP.match(line):
                last = step.group(3)
                progress.update(f"Building: {last.split()[0]}", int(step.group(1)), int(step.group(2)))
    if not built:
        raise DeployingError("the image cannot be built: Docker has not said what became of it")
    return built


def push(
    client: DockerClient, repository: str, tag: str, progress: ProgressReporter, login: Mapping[str, str] | None = None
) -> str:
    """Push the image, with Docker's own logins or `login`; returns the digest, which identifies it in the registry."""
    digest = ""
    sent: dict[str, tuple[float, float]] = {}
    for entry in client.api.push(
        repository, tag=tag, stream=True, decode=True, auth_config=dict(login) if login else None
    ):
        if "error" in entry:
            raise DeployingError(
                f"{repository}:{tag} cannot be pushed: {str(entry['error']).strip()}",
                "" if login else "log in with `docker login`, and see that you may write there",
            )
        digest = str((entry.get("aux") or {}).get("Digest") or digest)
        detail = entry.get("progressDetail") or {}
        if detail.get("total") and entry.get("id"):
            sent[str(entry["id"])] = (float(detail.get("current", 0)), float(detail["total"]))
            progress.update(f"Pushing {repository}:{tag}", *map(sum, zip(*sent.values(), strict=True)))
        elif entry.get("status"):
            progress.log(" ".join(str(entry[key]) for key in ("id", "status") if key in entry))
    if not digest:
        raise DeployingError(f"{repository}:{tag} cannot be pushed: the registry has not said what it has got")
    return digest
