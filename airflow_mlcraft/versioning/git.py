"""The git command, in one repository."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from airflow_mlcraft.errors import VersioningError

NOTHING = "0" * 40
"""What git calls a commit or a file that is not there."""
_QUIET = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # A server that sends less than a byte a second for five minutes has gone.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "300",
}
_ELSEWHERE = [
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
"""What a hook of git's sets, and what would lead to the repository of that hook."""
_NETWORK_COMMANDS = frozenset({"clone", "fetch", "pull", "push", "ls-remote"})
_OVER_THE_NETWORK = 1800.0
"""Seconds that a command may take which talks to a remote."""
_HERE = 600.0
"""Seconds for any other: a repository's hooks and filters are part of it."""
_NOBODY = {"NAME": "MLcraft", "EMAIL": "mlcraft@localhost"}


class Blob(NamedTuple):
    """What a commit or the index has at a path."""

    mode: str
    id: str


class Git:
    """Runs git below a folder. `secrets` are options of git's configuration that no file or command line shows."""

    def __init__(self, folder: Path, secrets: Mapping[str, str] | None = None):
        self.folder = folder
        self._environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE} | _QUIET
        count = int(self._environment.get("GIT_CONFIG_COUNT") or 0)
        for number, (name, value) in enumerate((secrets or {}).items(), count):
            self._environment[f"GIT_CONFIG_KEY_{number}"] = name
            self._environment[f"GIT_CONFIG_VALUE_{number}"] = value
            self._environment["GIT_CONFIG_COUNT"] = str(number + 1)

    def at(self, folder: Path) -> Git:
        """The same in another folder."""
        other = Git.__new__(Git)
        other.folder, other._environment = folder, self._environment
        return other

    def run(self, *arguments: str, given: bytes = b"", index: Path | None = None, most: int = 0) -> bytes:
        """What a command prints; an exit code above `most` is an error."""
        done = self._done(arguments, given, index)
        if done.returncode > most:
            raise VersioningError(
                f"git {next(word for word in arguments if word[0] != '-')} in {self.folder} failed: {_last_words(done)}"
            )
        return done.stdout

    def text(self, *arguments: str, given: bytes = b"", index: Path | None = None) -> str:
        """The same as text, without the newline at its end."""
        return os.fsdecode(self.run(*arguments, given=given, index=index)).rstrip("\n")

    def ask(self, *arguments: str, given: bytes = b"") -> str | None:
        """The same, or None where git says no."""
        done = self._done(arguments, given, None)
        return None if done.returncode else os.fsdecode(done.stdout).rstrip("\n")

    def blobs(self, commit: str | None) -> dict[str, Blob]:
        """Every file of a commit, by its path."""
        if commit is None:
            return {}
        found = {}
        for line in self.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, oid = about.decode().split()
            found[os.fsdecode(path)] = Blob(mode, oid)
        return found

    def indexed(self, paths: Iterable[str]) -> dict[str, Blob]:
        """What the index has at these paths and below them."""
        found = {}
        for line in self.run("--literal-pathspecs", "ls-files", "--stage", "-z", "--full-name", "--", *paths).split(
            b"\0"
        )[:-1]:
            about, _, path = line.partition(b"\t")
            mode, oid, _ = about.decode().split()
            found[os.fsdecode(path)] = Blob(mode, oid)
        return found

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The bytes of blobs, by their ids."""
        wanted = sorted(set(blobs))
        answer = self.run("cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted).encode())
        found, at = {}, 0
        for blob in wanted:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[2])
            found[blob] = answer[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def keep(self, data: bytes) -> str:
        """Have bytes as a blob, and its id."""
        return self.text("hash-object", "-w", "--stdin", given=data)

    def stage(self, blobs: Mapping[str, str], index: Path) -> None:
        """Put blobs at paths of an index file."""
        lines = b"".join(b"100644 %s\t%s\0" % (oid.encode(), os.fsencode(path)) for path, oid in blobs.items())
        self.run("update-index", "-z", "--index-info", given=lines, index=index)

    def commit(self, tree: str, parent: str | None, message: str) -> str:
        """A commit that no branch has yet; by the user's own name where git knows it."""
        parents = ["-p", parent] if parent else []
        known = {what: self.ask("config", f"user.{what.lower()}") or nobody for what, nobody in _NOBODY.items()}
        who = {
            f"GIT_{role}_{what}": self._environment.get(f"GIT_{role}_{what}") or known[what]
            for role in ("AUTHOR", "COMMITTER")
            for what in _NOBODY
        }
        done = self._done(["commit-tree", tree, *parents], message.encode(), None, who)
        if done.returncode:
            raise VersioningError(f"git commit-tree in {self.folder} failed: {_last_words(done)}")
        return done.stdout.decode().strip()

    def _done(
        self,
        arguments: Iterable[str],
        given: bytes,
        index: Path | None,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {**self._environment, **(more or {}), **({"GIT_INDEX_FILE": str(index)} if index else {})}
        command = ["git", *arguments]
        limit = _OVER_THE_NETWORK if _NETWORK_COMMANDS.intersection(command) else _HERE
        try:
            return _run_limited(command, self.folder, environment, given, limit)
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
    command: list[str], folder: Path, environment: Mapping[str, str], given: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a command; at its time limit it is ended with what it has started, as git does `ssh`."""
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
            out, err = process.communicate(given, seconds)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in os.fsdecode(done.stderr).splitlines() if line.strip() and not line.startswith("hint:")]
    return (lines[0] if lines else f"exit code {done.returncode}").removeprefix("fatal: ").removeprefix("error: ")
