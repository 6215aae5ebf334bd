"""What a step may use on behalf of whoever has only started it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.errors import RefusedError
from airflow_mlcraft.steps.command import run
from airflow_mlcraft.steps.permissions import VARIABLE, Permissions, remember_code
from airflow_mlcraft.steps.services import Connection, Services
from tests.serving import models
from tests.steps.sources.file_server import FileServer

SERVER = Permissions(everything=False)
LOCAL = replace(SERVER, hosts=("127.0.0.1",))
"""A server on which the one of the tests may be asked."""
CODE = "from pathlib import Path\nimport pandas as pd\nPath({place!r}).touch()\n"
RETRIEVE = "def retrieve(sources, fetch):\n    return pd.DataFrame({'a': [1]})\n"


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


class RetrieveStep:
    """Runs `mlcraft-step retrieve`, and remembers what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.log_lines: list[str] = []
        self.connections: dict[str, Connection] = {}

    def __call__(self, permissions: Permissions, *options: str) -> int:
        self.log_lines.clear()
        services = Services(
            secret={"KEY": "the-secret-key"}.get,
            connection=self.connections.get,
            log=self.log_lines.append,
            permissions=permissions,
        )
        return run(["retrieve", *options], folder=self.folder, services=services)

    @property
    def last(self) -> str:
        return self.log_lines[-1] if self.log_lines else ""


@pytest.fixture
def step(tmp_path: Path) -> RetrieveStep:
    return RetrieveStep(tmp_path)


def test_own_code_of_a_run_does_not_run(step: RetrieveStep, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (step.folder / "own.py").write_text(CODE.format(place=str(ran)) + RETRIEVE)
    options = ("--source", "sklearn:iris", "--code", "own.py")
    assert step(SERVER, *options) == 1
    assert "run_code" in step.last
    assert not ran.exists()
    assert step(replace(SERVER, run_code=True), *options) == 0
    assert ran.exists()


def test_code_of_the_document_runs(step: RetrieveStep, tmp_path: Path) -> None:
    (step.folder / "own.py").write_text(CODE.format(place=str(tmp_path / "ran")) + RETRIEVE)
    options = ("--source", "sklearn:iris", "--code", "own.py")
    assert step(replace(SERVER, code=(str(step.folder / "own.py"),)), *options) == 0
    (tmp_path / "elsewhere.py").write_text("other = 1\n")
    assert step(replace(SERVER, code=(str(tmp_path / "elsewhere.py"),)), *options) == 1
    remember_code(tmp_path / "ledger", step.folder / "own.py")
    assert step(replace(SERVER, ledger=str(tmp_path / "ledger")), *options) == 0


@pytest.mark.parametrize("source", ["/etc/passwd", "file:///etc/passwd", "../secret.csv", "/etc/pass*", "../sec*.csv"])
def test_a_run_reads_no_path_of_the_worker(step: RetrieveStep, source: str) -> None:
    (step.folder.parent / "secret.csv").write_text("a\n1\n")
    assert step(SERVER, "--source", source) == 1
    assert "allowed_paths" in step.last


OTHER_SCHEMES = (
    "FILE:///etc/passwd",
    "local:///etc/passwd",
    "simplecache::file:///etc/passwd",
    "HTTP://127.0.0.1/",
    "memory://x",
    "zip://x::file:///a.zip",
    "data://x",
)


@pytest.mark.parametrize("source", OTHER_SCHEMES)
def test_a_run_reads_by_no_other_scheme(step: RetrieveStep, source: str) -> None:
    assert step(replace(SERVER, private=True), "--source", source) == 1
    assert "may not name a source of" in step.last
    replace(SERVER, known=(source,)).check_source(source)


def test_allowed_paths(step: RetrieveStep, tmp_path: Path) -> None:
    allowed = tmp_path / "incoming"
    allowed.mkdir()
    (allowed / "a.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (allowed / "link.csv").symlink_to(tmp_path / "secret.csv")
    server = replace(SERVER, paths=(str(allowed),))
    assert step(server, "--source", str(allowed / "a.csv")) == 0
    assert step(server, "--source", f"{allowed}/a*.csv") == 0
    for source in (f"{allowed}/link.csv", f"{allowed}/*.csv", f"{allowed}/../secret.csv", f"{tmp_path}/incoming2"):
        assert step(server, "--source", source) == 1
        assert "allowed_paths" in step.last, source


def test_a_path_of_the_document_is_read(step: RetrieveStep, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    source = str(tmp_path / "a.csv")
    assert step(replace(SERVER, known=(source,)), "--source", source) == 0


def test_a_run_names_no_connection(step: RetrieveStep, tmp_path: Path) -> None:
    step.connections["warehouse"] = Connection(f"sqlite:///{tmp_path}/a.db")
    options = ("--source", "sql", "--connection", "warehouse", "--query", "select 1 as a")
    assert step(SERVER, *options) == 1
    assert "allowed_connections" in step.last
    for allowed in (replace(SERVER, connections=("warehouse",)), replace(SERVER, known=("warehouse",))):
        assert step(allowed, *options) == 0


def test_a_connection_goes_to_its_own_host(step: RetrieveStep, files: FileServer) -> None:
    step.connections["api"] = Connection("http://api.example", "", "the-secret-key")
    options = ("--source", files.url(), "--connection", "api")
    allowed = replace(LOCAL, connections=("api",))
    assert step(allowed, *options) == 1
    assert "is not for 127.0.0.1" in step.last
    assert not files.requests
    assert step(replace(LOCAL, connections=("api=127.0.0.1",)), *options) == 0
    assert files.requests[-1].headers["Authorization"] == "Bearer the-secret-key"
    step.connections["api"] = Connection(files.url("/"), "", "the-secret-key")
    assert step(allowed, *options) == 0


def test_a_secret_goes_to_its_own_host(step: RetrieveStep, files: FileServer) -> None:
    options = ("--source", files.url(), "--key-env", "KEY")
    of_another_host = (
        SERVER,
        LOCAL,
        replace(LOCAL, secrets=("KEY=api.example",)),
        replace(LOCAL, known=("KEY",)),
        replace(LOCAL, known=("KEY", "https://api.example/data.csv")),
    )
    for permissions in of_another_host:
        assert step(permissions, *options) == 1
    assert "allowed_secrets" in step.last
    assert not files.requests
    for permissions in (
        replace(LOCAL, secrets=("KEY=127.0.0.1",)),
        replace(LOCAL, known=("KEY", "http://127.0.0.1/x")),
    ):
        assert step(permissions, *options) == 0
    assert files.requests[-1].headers["Authorization"] == "Bearer the-secret-key"


def test_a_star_allows_all(step: RetrieveStep, files: FileServer) -> None:
    step.connections["api"] = Connection("http://api.example", "", "the-secret-key")
    mine = replace(SERVER, connections=("*",), secrets=("*",), paths=("/",), hosts=("*",))
    for option in (("--key-env", "KEY"), ("--connection", "api")):
        assert step(mine, "--source", files.url(), *option) == 0, step.last
    assert step(mine, "--source", "/etc/passwd", "--format", "text") == 0


def test_the_workers_own_keys_open_no_bucket(step: RetrieveStep) -> None:
    assert step(SERVER, "--source", "s3://bucket/a.csv") == 1
    assert "the worker's own keys" in step.last


def test_a_bucket_by_a_connection_or_by_its_name() -> None:
    for allowed, connection in ((SERVER, "lake"), (replace(SERVER, hosts=("bucket",)), "")):
        allowed.check_source("s3://bucket/a.csv", connection=connection)
        with pytest.raises(RefusedError, match="the worker's own keys"):
            allowed.check_source("s3://another/a.csv")


def test_link_local_addresses_by_their_host() -> None:
    for source in ("http://169.254.169.254/latest", "http://100.100.100.200/latest"):
        with pytest.raises(RefusedError, match="allowed_hosts"):
            SERVER.check_source(source)
        replace(SERVER, hosts=(source.split("/")[2],)).check_source(source)


def test_an_allowed_connection_takes_any_query(step: RetrieveStep, tmp_path: Path) -> None:
    """Its database user is who limits it."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("create table secret as select 'hunter2' as word")
    step.connections["warehouse"] = Connection(f"sqlite:///{tmp_path}/a.db")
    options = ("--source", "sql", "--connection", "warehouse", "--query", "select * from secret")
    assert step(replace(SERVER, connections=("warehouse",)), *options) == 0, step.last


def test_public_hosts_are_asked() -> None:
    """Without the network: a public address passes, and so does a name that this machine cannot resolve."""
    for source in ("http://93.184.215.14/a.csv", "https://nowhere.invalid/a.csv"):
        SERVER.check_source(source)
        with pytest.raises(RefusedError, match="allowed_hosts"):
            replace(SERVER, hosts=("*.example.org",)).check_source(source)
    replace(SERVER, hosts=("*.example.org",)).check_source("https://data.example.org/a.csv")


def test_hosts_of_sftp_are_checked_by_their_name() -> None:
    """What a name leads to when somebody connects is not looked at again."""
    for scheme in ("sftp", "smb", "hdfs", "webhdfs", "webdav", "ftp"):
        with pytest.raises(RefusedError, match="the worker's own keys"):
            SERVER.check_source(f"{scheme}://nowhere.invalid/a.csv")
        with pytest.raises(RefusedError, match=r"is not for nowhere\.invalid"):
            SERVER.check_connection_host("mine", f"{scheme}://nowhere.invalid/a.csv", "sftp://own.example")
        replace(SERVER, hosts=("nowhere.invalid",)).check_source(f"{scheme}://nowhere.invalid/a.csv")
        with pytest.raises(RefusedError, match="not a public one"):
            SERVER.check_source(f"{scheme}://127.0.0.1/a.csv", connection="mine")
        SERVER.check_source(f"{scheme}://nowhere.invalid/a.csv", connection="mine")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])  # noqa: S104
def test_private_addresses(step: RetrieveStep, files: FileServer, host: str) -> None:
    source = f"http://{host}:{files.port}/file/data.csv"
    assert step(SERVER, "--source", source) == 1
    assert "not a public one" in step.last
    assert not files.requests
    if host == "127.0.0.1":
        assert step(replace(SERVER, private=True), "--source", source) == 0


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200"]
)
def test_link_local_addresses_are_refused_either_way(step: RetrieveStep, host: str) -> None:
    for permissions in (SERVER, replace(SERVER, private=True)):
        assert step(permissions, "--source", f"http://{host}/latest/meta-data/") == 1
        assert "not a public one" in step.last


def test_a_redirect_leads_to_no_private_address(step: RetrieveStep, files: FileServer) -> None:
    """Nor does one of a source that the document itself names."""
    with FileServer() as inner:
        files.redirect = f"http://localhost:{inner.port}/file/data.csv"
        source = files.url()
        for permissions in (LOCAL, replace(SERVER, known=(source,))):
            assert step(permissions, "--source", source) == 1
            assert "localhost" in step.last
        assert not inner.requests
        assert step(replace(LOCAL, hosts=("127.0.0.1", "localhost")), "--source", source) == 0


def test_a_redirect_takes_no_key_along(step: RetrieveStep, files: FileServer) -> None:
    with FileServer() as other:
        files.redirect = f"http://localhost:{other.port}/file/data.csv"
        permissions = replace(LOCAL, hosts=("127.0.0.1", "localhost"), secrets=("KEY=127.0.0.1",))
        assert step(permissions, "--source", files.url(), "--key-env", "KEY") == 0
        assert "Authorization" in files.requests[-1].headers
        assert "Authorization" not in other.requests[-1].headers


def test_only_allowed_hosts(step: RetrieveStep, files: FileServer) -> None:
    permissions = replace(SERVER, hosts=("*.data.example",), private=True)
    assert step(permissions, "--source", files.url()) == 1
    assert "allowed_hosts" in step.last
    assert step(replace(permissions, hosts=("127.0.0.*",)), "--source", files.url()) == 0


def test_on_ones_own_machine_nothing_is_refused(step: RetrieveStep, files: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    (step.folder / "own.py").write_text(CODE.format(place=str(tmp_path / "ran")) + RETRIEVE)
    for options in (
        ("--source", files.url(), "--key-env", "KEY"),
        ("--source", str(tmp_path / "a.csv")),
        ("--source", "sklearn:iris", "--code", "own.py"),
    ):
        assert step(Permissions(), *options) == 0


def test_permissions_reach_a_program(step: RetrieveStep) -> None:
    given = replace(SERVER, known=("a",), secrets=("KEY=host",), ledger="/x", private=True)
    assert Permissions.from_environment({VARIABLE: given.to_json()}) == given
    assert Permissions.from_environment({}).everything


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("process", ["--data", "a.csv", "--target", "a", "--code", "own.py"]),
        ("own-models", ["--code", "own.py"]),
        ("train", ["--train", "a.csv", "--recipe", "recipe.json", "--model", "model", "--code", "own.py"]),
    ],
)
def test_own_code_of_every_kind_of_step(step: RetrieveStep, tmp_path: Path, kind: str, options: list[Any]) -> None:
    (step.folder / "a.csv").write_text("a,b\n1,2\n2,3\n")
    (step.folder / "own.py").write_text(CODE.format(place=str(tmp_path / "ran")))
    lines: list[str] = []
    code = run([kind, *options], folder=step.folder, services=Services(log=lines.append, permissions=SERVER))
    assert code == 1
    assert kind == "train" or "run_code" in lines[-1]
    assert not (tmp_path / "ran").exists()


def test_params_are_no_way_to_read_a_file(step: RetrieveStep, tmp_path: Path) -> None:
    """Params are JSON, or the name of a file of it."""
    (tmp_path / "secret.json").write_text('{"password": "hunter2"}')
    (step.folder / "a.csv").write_text("a,b\n" + "".join(f"{number},{number % 2}\n" for number in range(40)))
    (step.folder / "own.py").write_text("def process(frame, **params):\n    print(params)\n    return frame\n")
    lines: list[str] = []
    server = replace(SERVER, run_code=True)
    options = ["process", "--data", "a.csv", "--target", "b", "--code", "own.py", "--params"]
    for permissions, code in ((server, 1), (replace(server, staged=str(tmp_path)), 0), (Permissions(), 0)):
        services = Services(log=lines.append, permissions=permissions)
        assert run([*options, str(tmp_path / "secret.json")], folder=step.folder, services=services) == code, lines
        if code:
            assert "allowed_paths" in lines[-1]


TABLE = "a,b,c\n" + "".join(f"{number},{number % 2},{number % 7}\n" for number in range(40))
NAMED_AGAIN = {
    "process": ["--target", "b", "--data", "data.csv", "--drop", "a", "--data", "{secret}"],
    "split": ["--target", "b", "--data", "data.csv", "--data", "{secret}"],
    "train": ["--train", "data.csv", "--recipe", "{secret}", "--model", "ridge"],
    "predict": ["--model", "{secret}", "--data", "data.csv"],
    "evaluate": ["--models", "{secret}", "--test", "data.csv"],
    "approve": ["--model", "{secret}"],
    "serve": ["--model", "{secret}", "--name", "a", "--state-folder", "state"],
}


@pytest.mark.parametrize("kind", NAMED_AGAIN)
@pytest.mark.parametrize("where", ["absolute", "relative", "behind the inputs", "above the inputs"])
def test_no_option_of_a_step_names_a_file_of_the_worker(tmp_path: Path, kind: str, where: str) -> None:
    """cwltool gives the texts of an array as they are, and one of them may look like an option."""
    work, staged = tmp_path / "run", tmp_path / "staged"
    work.mkdir()
    (staged / "in").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text(TABLE)
    secret = {
        "absolute": str(tmp_path / "secret.csv"),
        "relative": "../secret.csv",
        "behind the inputs": f"{staged}/in/../../secret.csv",
        "above the inputs": f"{staged}/..",
    }[where]
    (work / "data.csv").write_text(TABLE)
    server = replace(SERVER, staged=str(staged), known=("state",))
    lines: list[str] = []
    arguments = [kind, *(option.format(secret=secret) for option in NAMED_AGAIN[kind])]
    services = Services(log=lines.append, permissions=server)
    assert run(arguments, folder=work, services=services) == 1
    assert "allowed_paths" in lines[-1]
    if kind == "process":
        (staged / "in" / "secret.csv").symlink_to(tmp_path / "secret.csv")
        assert run([*arguments[:-1], f"{staged}/in/secret.csv"], folder=work, services=services) == 0, lines


def test_a_run_names_no_folder_that_is_written_into(tmp_path: Path) -> None:
    """A server keeps the files of its model there: in the folder of DAGs they would be read as one."""
    models.make("people", tmp_path)
    dags = tmp_path / "dags"
    options = ["serve", "--model", "people", "--name", "people"]
    for more in (["--state-folder", str(dags)], ["--state-folder", "state", "--log-predictions", str(dags)]):
        lines: list[str] = []
        services = Services(log=lines.append, permissions=replace(SERVER, known=("state",)))
        assert run([*options, *more], folder=tmp_path, services=services) == 1
        assert "a run may not write into" in lines[-1]
        assert "allowed_paths" in lines[-1]
    assert not dags.exists()
    for allowed in (replace(SERVER, known=(str(dags),)), replace(SERVER, paths=(str(tmp_path),)), Permissions()):
        allowed.check_target(dags, str(dags))


def test_a_message_names_what_and_where_to_allow_it() -> None:
    with pytest.raises(RefusedError, match=r"SECRET to evil\.example.*SECRET=evil\.example to \[mlcraft\] allowed_sec"):
        SERVER.check_secret("SECRET", "https://evil.example/x")
