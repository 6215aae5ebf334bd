"""The jar of Composer's executor: the same bytes each time, around a class that is that of its source."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from airflow_mlcraft import __version__
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.runner.jar.jar import CLASS, build_jar, runner_path

PROJECT = Path(__file__).parents[2]
# Another compiler may lay the same class out in another way.
COMPILER = "17"


def test_the_same_command_makes_the_same_bytes() -> None:
    assert build_jar(["/opt/runner", "--server", "http://localhost"]) == build_jar(
        ["/opt/runner", "--server", "http://localhost"]
    )
    assert build_jar(["/opt/runner"]) != build_jar(["/opt/other"])


def test_what_is_in_it() -> None:
    with zipfile.ZipFile(BytesIO(build_jar(["/opt/a b/läufer", "--login", "x"]))) as archive:
        assert archive.namelist() == ["META-INF/MANIFEST.MF", "command", CLASS]
        assert archive.read("command").decode().splitlines() == ["/opt/a b/läufer", "--login", "x"]
        assert f"Implementation-Version: {__version__}\r\n" in archive.read("META-INF/MANIFEST.MF").decode()
        compiled = archive.read(CLASS)
    # Java 8, which is what Composer asks for.
    assert compiled[:8] == b"\xca\xfe\xba\xbe\x00\x00\x00\x34"


def test_a_line_break_in_a_path() -> None:
    with pytest.raises(MlcraftError, match="line break"):
        build_jar(["/opt/a\nb"])


def test_the_runner_beside_this_python() -> None:
    assert runner_path().name == "mlcraft-cwl-runner"


@pytest.mark.java
def test_the_class_is_that_of_its_source(tmp_path: Path) -> None:
    compiler = shutil.which("javac")
    output = subprocess.run([compiler or "false", "-version"], capture_output=True, text=True, check=False).stdout
    if not re.match(rf"javac {COMPILER}\b", output):
        pytest.skip(f"no javac {COMPILER} on the PATH")
    source = PROJECT / "executor" / "dev" / "mlcraft" / "ComposerExecutor.java"
    options = ["--release", "8", "-Xlint:-options", "-g:none", "-d", str(tmp_path)]
    subprocess.run(["javac", *options, str(source)], check=True)
    made = (tmp_path / CLASS).read_bytes()
    kept = PROJECT / "airflow_mlcraft" / "runner" / "jar" / "ComposerExecutor.class"
    assert kept.read_bytes() == made, "`make executor` compiles it into the package"
