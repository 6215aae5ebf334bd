"""Tests of the spool on disk: locks, crashes, and delivery."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from airflow_mlcraft.tracking.spool.spool import Spool


def test_lines_are_there_as_soon_as_they_are_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer("key")
    writer.write({"op": "run"})
    writer.write({"op": "end"})
    with spool.delivery(writer.stem) as delivery:
        assert delivery
        lines, gone = delivery.read_undelivered()
        assert [record["op"] for record, _ in lines] == ["run", "end"]
        assert not gone
        delivery.save_position(lines[0][1])
    assert spool.list_closed() == []
    writer.close()
    assert spool.list_closed() == spool.list_pending() == [writer.stem]
    with spool.delivery(writer.stem) as delivery:
        assert delivery
        lines, gone = delivery.read_undelivered()
        assert ([record["op"] for record, _ in lines], gone, delivery.has_end()) == (["end"], True, True)
        delivery.remove_files()
    assert spool.list_pending() == []


def test_who_comes_after_the_delivery_leaves_no_trace(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer("key")
    writer.write({"op": "end"})
    writer.close()
    with spool.delivery(writer.stem) as delivery:
        assert delivery
        delivery.remove_files()
    with spool.delivery(writer.stem) as late:
        assert late is None
    assert [*(tmp_path / "sent").iterdir()] == []


def test_of_many_who_look_none_takes_another_for_the_writer(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    writer = spool.writer("a")
    writer.write({"op": "start"})
    assert spool.list_closed() == []
    writer.close()
    with ThreadPoolExecutor(8) as many:
        assert all(many.map(lambda _: spool.list_closed() == [writer.stem], range(2000)))


def test_half_a_line_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer("key")
    writer.write({"op": "run"})
    writer.close()
    with spool.lines_path(writer.stem).open("a") as handle:
        handle.write('{"op": "metr')
    with spool.delivery(writer.stem) as delivery:
        assert delivery
        assert [record["op"] for record, _ in delivery.read_undelivered()[0]] == ["run"]
        assert not delivery.has_end()


def test_a_full_disk_fails_no_step_and_spoils_no_line(tmp_path: Path) -> None:
    """A limit on the size of files simulates a full disk."""
    program = """
import resource, signal, sys
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.client import TrackingClient
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = TrackingClient("http://127.0.0.1:9", spool=sys.argv[1]).open(StepName(DagRunName("iris", "manual__1"), "train"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
run.params({"long": "a" * 5000})
run.text("b" * 5000, "b.txt")
run.params({"short": "a"})
run.end()
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "is lost" in done.stderr
    (file,) = tmp_path.glob("*/lines/*.jsonl")
    output = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["op"] for record in output] == ["run", "batch", "end", "pause"]
    assert output[1]["params"] == {"short": "a"}


def test_a_spoilt_line_is_refused_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer("key")
    writer.write({"op": "run"})
    writer.close()
    with spool.lines_path(writer.stem).open("ab") as handle:
        handle.write(b"\0\0\0\n" + b'{"op": "end"}\n')
    with spool.delivery(writer.stem) as delivery:
        assert delivery
        assert [record["op"] for record, _ in delivery.read_undelivered()[0]] == ["run", "unreadable", "end"]


def test_notes_may_be_read_by_whom_the_umask_lets_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.save_run("key", {"id": "1"})
    spool.save_delivery_error("down")
    plain = tmp_path / "plain"
    plain.touch()
    modes = {path.stat().st_mode for path in (plain, spool.run_note_path("key"), tmp_path / "trouble")}
    assert len(modes) == 1


def test_one_delivers_at_a_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    writer = spool.writer("key")
    writer.write({"op": "run"})
    with spool.delivery(writer.stem) as first, spool.delivery(writer.stem) as second:
        assert first
        assert second is None


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    stems = [spool.writer(key).stem for key in ("c", "a", "b")]
    assert spool.list_pending() == stems


def test_files_are_kept_as_they_were(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    writer = spool.writer("key")
    file = tmp_path / "plot.png"
    file.write_text("then")
    kept = spool.files_path(writer.stem) / writer.add_file(file, hand_over=False)
    linked = spool.files_path(writer.stem) / writer.add_file(file, hand_over=True)
    file.write_text("now")
    assert kept.read_text() == "then"
    assert linked.samefile(file)


def test_trouble_is_told_since_it_began(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.read_delivery_error() is None
    spool.save_delivery_error("no answer")
    began = spool.read_delivery_error()
    spool.save_delivery_error("still no answer")
    assert spool.read_delivery_error() == {"reason": "still no answer", "since": began and began["since"]}
    spool.save_delivery_error("")
    assert spool.read_delivery_error() is None


def test_what_is_refused_is_put_aside(tmp_path: Path) -> None:
    Spool(tmp_path).record_refusal({"op": "batch"}, "because")
    (file,) = (tmp_path / "refused").iterdir()
    assert json.loads(file.read_text()) == {"op": "batch", "reason": "because"}
