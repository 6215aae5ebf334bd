"""The git command, run in one repository."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from airflow_mlcraft.errors import VersioningError

NULL_OID = "0" * 40
"""The id that git uses for no commit or file."""
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # A server that sends less than a byte a second for five minutes counts as lost.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "300",
}
_HOOK_VARIABLES = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
]
"""Variables that git sets for its hooks; they would redirect git to the repository of the hook."""
_NETWORK_COMMANDS = frozenset({"clone", "fetch", "pull", "push", "ls-remote"})
_NETWORK_TIMEOUT = 1800.0
"""Seconds for a command that talks to a remote."""
_LOCAL_TIMEOUT = 600.0
"""Seconds for any other command, with the hooks and filters of the repository."""
_DEFAULT_IDENTITY = {"NAME": "MLcraft", "EMAIL": "mlcraft@localhost"}


class Blob(NamedTuple):
    """A file of a commit or of the index."""

    mode: str
    id: str


class Git:
    """The git command in a folder. `secrets` are git options that are passed only by environment variables."""

    def __init__(self, folder: Path, secrets: Mapping[str, str] | None = None):
        self.folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES
        } | _ENVIRONMENT
        count = int(self._environment.get("GIT_CONFIG_COUNT") or 0)
        for number, (name, value) in enumerate((secrets or {}).items(), count):
            self._environment[f"GIT_CONFIG_KEY_{number}"] = name
            self._environment[f"GIT_CONFIG_VALUE_{number}"] = value
            self._environment["GIT_CONFIG_COUNT"] = str(number + 1)

    def in_folder(self, folder: Path) -> Git:
        """Return git for another folder, with the same environment."""
        other = Git.__new__(Git)
        other.folder, other._environment = folder, self._environment
        return other

    def run(self, *arguments: str, stdin: bytes = b"", index: Path | None = None, max_exit_code: int = 0) -> bytes:
        """Run a command and return its output. Raises `VersioningError` for an exit code above `max_exit_code`."""
        done = self._execute(arguments, stdin, index)
        if done.returncode > max_exit_code:
            raise VersioningError(
                f"git {next(word for word in arguments if word[0] != '-')} in {self.folder} failed: "
                f"{_find_error_line(done)}"
            )
        return done.stdout

    def text(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> str:
        """Run a command and return its output as text, without the last newline."""
        return os.fsdecode(self.run(*arguments, stdin=stdin, index=index)).rstrip("\n")

    def run_or_none(self, *arguments: str, stdin: bytes = b"") -> str | None:
        """Run a command and return its output as text, or None for a non-zero exit code."""
        done = self._execute(arguments, stdin, None)
        return None if done.returncode else os.fsdecode(done.stdout).rstrip("\n")

    def list_files(self, commit: str | None) -> dict[str, Blob]:
        """Return all files of a commit, by path."""
        if commit is None:
            return {}
        found = {}
        for line in self.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            fields, _, path = line.partition(b"\t")
            mode, _, oid = fields.decode().split()
            found[os.fsdecode(path)] = Blob(mode, oid)
        return found

    def list_index(self, paths: Iterable[str]) -> dict[str, Blob]:
        """Return the files of the index at the paths and below them."""
        found = {}
        for line in self.run("--literal-pathspecs", "ls-files", "--stage", "-z", "--full-name", "--", *paths).split(
            b"\0"
        )[:-1]:
            fields, _, path = line.partition(b"\t")
            mode, oid, _ = fields.decode().split()
            found[os.fsdecode(path)] = Blob(mode, oid)
        return found

    def read_blobs(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs, by id."""
        ids = sorted(set(blobs))
        output = self.run("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in ids).encode())
        found, position = {}, 0
        for blob in ids:
            end = output.index(b"\n", position)
            size = int(output[position:end].split()[2])
            found[blob] = output[end + 1 : end + 1 + size]
            position = end + size + 2
        return found

    def write_blob(self, data: bytes) -> str:
        """Write a blob and return its id."""
        return self.text("hash-object", "-w", "--stdin", stdin=data)

    def update_index(self, blobs: Mapping[str, str], index: Path) -> None:
        """Set the blobs of paths in an index file."""
        lines = b"".join(b"100644 %s\t%s\0" % (oid.encode(), os.fsencode(path)) for path, oid in blobs.items())
        self.run("update-index", "-z", "--index-info", stdin=lines, index=index)

    def commit_tree(self, tree: str, parent: str | None, message: str) -> str:
        """Create a commit on no branch, by the configured author if any, and return its id."""
        parents = ["-p", parent] if parent else []
        configured = {
            part: self.run_or_none("config", f"user.{part.lower()}") or default
            for part, default in _DEFAULT_IDENTITY.items()
        }
        identity = {
            f"GIT_{role}_{part}": self._environment.get(f"GIT_{role}_{part}") or configured[part]
            for role in ("AUTHOR", "COMMITTER")
            for part in _DEFAULT_IDENTITY
        }
        done = self._execute(["commit-tree", tree, *parents], message.encode(), None, identity)
        if done.returncode:
            raise VersioningError(f"git commit-tree in {self.folder} failed: {_find_error_line(done)}")
        return done.stdout.decode().strip()

    def _execute(
        self,
        arguments: Iterable[str],
        stdin: bytes,
        index: Path | None,
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {**self._environment, **(extra or {}), **({"GIT_INDEX_FILE": str(index)} if index else {})}
        command = ["git", *arguments]
        limit = _NETWORK_TIMEOUT if _NETWORK_COMMANDS.intersection(command) else _LOCAL_TIMEOUT
        try:
            return _run_limited(command, self.folder, environment, stdin, limit)
        except subprocess.TimeoutExpired:
            raise VersioningError(
                f"git {next(word for word in command[1:] if word[0] != '-')} in {self.folder} was ended after "
                f"{limit:.0f} s without being done; see whether its remote answers, and whether it "
                "asks for a password",
                temporary=True,
            ) from None
        except FileNotFoundError:
            raise VersioningError(
                f"there is no git on this worker, and the data of {self.folder} is versioned with it; install git, "
                "or give the task a queue of workers that have it"
            ) from None


def _run_limited(
    command: list[str], folder: Path, environment: Mapping[str, str], stdin: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a command; at the time limit, kill it and its child processes, such as `ssh`."""
    with subprocess.Popen(  # noqa: S603
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin, seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _find_error_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in os.fsdecode(done.stderr).splitlines() if line.strip() and not line.startswith("hint:")]
    return (lines[0] if lines else f"exit code {done.returncode}").removeprefix("fatal: ").removeprefix("error: ")
