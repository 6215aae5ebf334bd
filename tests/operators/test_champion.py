"""The champion of a registered model in real runs: one of other data stays, a growing table compares fairly."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.tracking import tags
from tests.operators.tracked import TrackedFolder


def table(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 3)).round(4)
    return pd.DataFrame(x, columns=list("abc")).assign(
        target=np.where(x[:, 0] + random.normal(0, 1, rows) > 0, "p", "q")
    )


def job(folder: Path, frame: pd.DataFrame, *models: str) -> dict[str, object]:
    frame.to_csv(folder / "table.csv", index=False)
    return {"source": str(folder / "table.csv"), "models": list(models)}


def test_the_champion_of_other_data_is_not_dethroned(tmp_path: Path) -> None:
    tracked = TrackedFolder(tmp_path)
    tracked.run(job=job(tmp_path, table(200), "naive_bayes")).ok()
    other = table(200).rename(columns={"a": "height"}).assign(target=lambda frame: frame["target"] + "!")
    ran = tracked.run(job=job(tmp_path, other, "naive_bayes"))
    assert ran.states["evaluate"] == "failed"
    assert "is one of other data, and is not replaced: one knows the classes ['p', 'q']" in ran.log("evaluate")
    (version,) = tracked.api().list_versions("learning")
    assert tracked.api().get_version_by_alias("learning", "champion") == version


def test_a_growing_table(tmp_path: Path) -> None:
    """A tree knows its training rows by heart; it is asked about none of them, and so a better model wins."""
    tracked = TrackedFolder(tmp_path)
    tracked.run(job=job(tmp_path, table(400), "decision_tree")).ok()
    outputs = tracked.run(job=job(tmp_path, table(900), "naive_bayes")).ok()
    scores = json.loads(Path(unquote(urlsplit(outputs["scores"]["location"]).path)).read_text())
    assert scores["comparison"]["learned"] == 0
    assert scores["comparison"]["rows"] == scores["rows"]
    assert scores["winner"] == "naive_bayes"
    assert len(tracked.api().list_versions("learning")) == 2


def test_a_champion_whose_files_are_away_stays(tmp_path: Path) -> None:
    tracked = TrackedFolder(tmp_path)
    tracked.run(job=job(tmp_path, table(200), "naive_bayes")).ok()
    (version,) = tracked.api().list_versions("learning")
    content = version.tags[tags.CONTENT]
    Store(tmp_path / "store").path_of(content).unlink()
    given = job(tmp_path, table(200), "decision_tree")
    ran = tracked.run(job=given)
    assert ran.states["evaluate"] == "failed"
    output = ran.log("evaluate")
    assert f"version 1 of learning is the champion, and its files {content} are not in the store {tmp_path}" in output
    assert "It stays the champion; to replace it without a comparison, set `replace_champion`" in output
    assert tracked.api().get_version_by_alias("learning", "champion") == version

    ran = tracked.run(job={**given, "replace_champion": True})
    ran.ok()
    assert "it is replaced without a comparison, as was asked for" in ran.log("evaluate")
    champion = tracked.api().get_version_by_alias("learning", "champion")
    assert champion is not None
    assert (champion.version, tracked.api().get_version_by_alias("learning", "previous")) == ("2", version)


def test_a_registry_that_does_not_answer(tmp_path: Path) -> None:
    """The run goes on, and says that the champion of today, if there is one, stays."""
    ran = TrackedFolder(tmp_path, "http://127.0.0.1:9").run(job=job(tmp_path, table(200), "naive_bayes"))
    ran.ok()
    output = ran.log("evaluate")
    assert "the champion of learning is not known: " in output
    assert "the best new model becomes the champion only if there is none" in output
    assert "the model is the champion of learning" not in output
