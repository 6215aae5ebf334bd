"""Build an image of a model: small, pinned, not root, tried before it gets its name."""

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
from airflow_mlcraft.deploying.base_image import Base, look_at
from airflow_mlcraft.deploying.build_context import Recipe
from airflow_mlcraft.deploying.container import tried
from airflow_mlcraft.deploying.errors import DeployingError, Watch
from airflow_mlcraft.deploying.pins import install, pinned

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image as DockerImage

IDENTITY = "mlcraft.identity"
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_TAG = re.compile(
    r"(?:[a-zA-Z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)


@dataclass(frozen=True)
class Prepared:
    """All that decides what an image is; two that agree in their identity are the same image."""

    recipe: Recipe
    base: Base
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
    """An image that was built."""

    id: str
    tags: tuple[str, ...]
    size: int
    identity: str
    base: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def prepare(client: DockerClient, recipe: Recipe, watch: Watch) -> Prepared:
    """Look at the base and choose the packages; nothing is built."""
    watch.say(f"Looking at {recipe.base}")
    base = look_at(client, recipe.base, watch)
    watch.say("Choosing packages")
    with _disk_explained(), tempfile.TemporaryDirectory(prefix="mlcraft-image-") as place:
        pins = pinned(recipe, base, Path(place))
    return Prepared(recipe, base, pins, build_context.identity(recipe, pins, base.id))


def build(client: DockerClient, prepared: Prepared, tags: tuple[str, ...], watch: Watch) -> Image:
    """Build the image and try it; only then it gets its tags. One that is there already only gets them."""
    for tag in tags:
        check_tag(tag)
    image = _found(client, prepared) or _tried(client, _built(client, prepared, watch), watch)
    for tag in tags:
        repository, name = parted(tag)
        image.tag(repository, name)
    size = int(image.attrs["Size"])
    return Image(str(image.id), tags, size, prepared.identity, prepared.base.name, dict(image.labels))


def _found(client: DockerClient, prepared: Prepared) -> DockerImage | None:
    """The same image of before: one with a tag, which it has because it was tried."""
    found = client.images.list(filters={"label": f"{IDENTITY}={prepared.identity}", "dangling": False})
    return next((image for image in found if image.tags), None)


def _tried(client: DockerClient, built: str, watch: Watch) -> DockerImage:
    watch.say("Trying the image")
    try:
        tried(client, built, watch)
    except BaseException:
        client.images.remove(built, force=True)
        raise
    return client.images.get(built)


def check_tag(tag: str) -> None:
    """Whether Docker takes this name."""
    if not _TAG.fullmatch(tag):
        raise DeployingError(
            f"{tag!r} cannot be the name of an image",
            "expected [registry/]name[:tag] with a name in small letters, such as registry.example.com/iris:1",
        )


def parted(tag: str) -> tuple[str, str]:
    """Repository and tag: a port's colon is none of a tag."""
    head, slash, last = tag.rpartition("/")
    name, _, version = last.partition(":")
    return f"{head}{slash}{name}", version or "latest"


@contextmanager
def _context(prepared: Prepared, watch: Watch) -> Iterator[tuple[BinaryIO, int]]:
    """All files as a tar on this disk, which goes again."""
    watch.say("Fetching packages")
    with tempfile.TemporaryDirectory(prefix="mlcraft-image-") as place:
        pins, packages, tar = (Path(place) / name for name in ("pins.txt", "packages", "context.tar"))
        with _disk_explained():
            pins.write_text(prepared.pins, "utf-8")
            install(pins, prepared.base, packages)
            with tar.open("wb") as stream:
                build_context.write(prepared.recipe, prepared.pins, packages, stream)
            shutil.rmtree(packages)
        with tar.open("rb") as stream:
            yield stream, tar.stat().st_size


@contextmanager
def _disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeployingError(
            f"the image's files cannot be written to {tempfile.gettempdir()}: {error.strerror or error}",
            "name a folder with room in TMPDIR",
        ) from error


class _Told:
    """A stream that tells how much of it was read."""

    def __init__(self, stream: BinaryIO, size: int, watch: Watch):
        self._stream, self._size, self._watch, self._read = stream, size, watch, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._read += len(block)
        self._watch.doing("Sending the files to Docker", self._read, self._size)
        return block


def _built(client: DockerClient, prepared: Prepared, watch: Watch) -> str:
    with _context(prepared, watch) as (stream, size):
        return _build(client, prepared, _Told(stream, size, watch), watch)


def _build(client: DockerClient, prepared: Prepared, stream: Any, watch: Watch) -> str:
    """The new image's id. It has no name yet, so that whoever interrupts leaves nothing that looks like an image."""
    said = client.api.build(
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
    for entry in said:
        if "error" in entry:
            raise DeployingError(f"the image cannot be built: {entry['error'].strip()}{f' ({last})' if last else ''}")
        if built_id := (entry.get("aux") or {}).get("ID"):
            built = str(built_id)
        for line in str(entry.get("stream", "")).splitlines():
            if line.strip():
                watch.line(line)
            if step := _STEP.match(line):
                last = step.group(3)
                watch.doing(f"Building: {last.split()[0]}", int(step.group(1)), int(step.group(2)))
    if not built:
        raise DeployingError("the image cannot be built: Docker has not said what became of it")
    return built
