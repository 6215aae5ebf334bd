"""The report of a contest: all models, the winner and why, the data, and plots of the winner's answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml.baseline import BASELINE
from airflow_mlcraft.ml.champion import CROSS_VALIDATION, TEST, Gate
from airflow_mlcraft.ml.metrics import CLASSIFICATION, METRICS
from airflow_mlcraft.ml.report.page import Cell, Page, Picture, Table, format_number, to_html, to_markdown
from airflow_mlcraft.steps.comparison_outcome import Outcome
from airflow_mlcraft.steps.model_comparison import ComparedModel

if TYPE_CHECKING:
    import pandas as pd

_CLASSES = 20
_PARAMS = 60


def write_report(found: Outcome, folder: Path, seed: int) -> None:
    """Write report.html, report.md and plots/."""
    page = report_page(found, seed)
    plots = folder / "plots"
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir(parents=True)
    for picture in page.pictures:
        (plots / f"{picture.name}.png").write_bytes(picture.png)
    (folder / "report.html").write_text(to_html(page), "utf-8")
    (folder / "report.md").write_text(to_markdown(page), "utf-8")


def report_page(found: Outcome, seed: int) -> Page:
    """All that the report says."""
    told = found.to_json()
    shown = found.winner if found.winner is not None and found.winner.answers is not None else found.best_new_model
    return Page(
        title=f"{told['task'].capitalize()} of {told['target']}",
        headline=_headline(found),
        good=found.winner is not None,
        facts=_facts(found, told),
        tables=list(_tables(found, told)),
        pictures=list(_pictures(found, shown, seed)),
        details=[_data(found), _columns(found), *_decisions(found), _params(told)],
        notes=found.comparison.notes,
    )


def _headline(found: Outcome) -> str:
    if found.winner is None:
        return f"No champion: {found.verdict.reason}."
    if found.verdict.kept:
        return f"The {found.winner.label} stays: {found.verdict.reason}."
    return f"Champion: {found.winner.label} ({found.verdict.reason})."


def _facts(found: Outcome, told: dict[str, Any]) -> list[tuple[str, str]]:
    metric = found.comparison.metric
    facts = [("decided by", f"{metric.name} ({metric.direction})"), ("chosen on", _chosen_on(found))]
    facts.append(("models", str(len(found.comparison.new))))
    if found.train is not None:
        facts.append(("training rows", f"{len(found.train)}"))
    facts.append(("test rows", f"{len(found.test)}"))
    if found.comparison.learned:
        facts.append(("of these new to the champion", str(len(found.test) - found.comparison.learned)))
    card = found.comparison.new[0].card
    facts.append(("columns", str(len(card["features"]))))
    if card["task"] == CLASSIFICATION:
        facts.append(("classes", str(len(card["classes"]))))
        if card["positive"] is not None:
            facts.append(("positive class", str(card["positive"])))
    return facts


def _chosen_on(found: Outcome) -> str:
    return f"the {found.comparison.chosen_on}" if found.comparison.chosen_on == TEST else found.comparison.chosen_on


def _tables(found: Outcome, told: dict[str, Any]) -> Iterator[Table]:
    yield _models(found, told)
    if found.comparison.failed:
        rows = [[Cell(one.label), Cell(one.reason)] for one in found.comparison.failed]
        yield Table("Models that failed", ["model", "why"], rows, "They took no part; the others were compared.")
    if found.verdict.gates:
        yield Table("Gates", ["gate", "limit", "reached", "passed"], [_gate(gate) for gate in found.verdict.gates])


def _models(found: Outcome, told: dict[str, Any]) -> Table:
    metric = found.comparison.metric.name
    names = [metric, *(one.name for one in METRICS.values() if one.task == told["task"] and one.name != metric)]
    best = {name: _best(name, told["models"]) for name in names}
    header = ["", "model", f"cv {metric}", f"train {metric}", *(f"test {name}" for name in names)]
    rows = []
    for model in told["models"]:
        won = model["name"] == told["winner"]
        cv = model["cv"].get(metric)
        row = [Cell("★" if won else str(model["rank"] or "")), Cell(model["name"], won)]
        row.append(Cell(f"{format_number(cv['mean'])} ± {cv['std']:.3g}" if cv else "-", number=True))
        row.append(Cell(format_number(model["train"].get(metric)), number=True))
        test = model["test"]
        row += [Cell(format_number(test.get(name)), name in test and test[name] == best[name], True) for name in names]
        rows.append(row)
    words = "; ".join(f"{name}: {METRICS[name].words}, {METRICS[name].direction}" for name in names)
    chosen = (
        "The mean over the folds of the training part (cv, ± their standard deviation) has chosen among the new "
        "models; the test part only measures them, and decides between the best of them and the champion of today."
        if found.comparison.chosen_on == CROSS_VALIDATION
        else "The test part has chosen among the new models, so the score of the best one on it is too good by some."
    )
    note = f"{chosen} {words}."
    return Table("Models", header, rows, note)


def _best(name: str, models: list[dict[str, Any]]) -> float | None:
    values: list[float] = [
        model["test"][name] for model in models if model["test"].get(name) is not None and model["role"] != BASELINE
    ]
    if not values:
        return None
    return max(values) if METRICS[name].higher_is_better else min(values)


def _gate(gate: Gate) -> list[Cell]:
    said = Cell("yes" if gate.passed else "no", not gate.passed)
    return [
        Cell(gate.name),
        Cell(format_number(gate.limit), number=True),
        Cell(format_number(gate.value), number=True),
        said,
    ]


def _data(found: Outcome) -> Table:
    parts = [("training", found.train), ("test", found.test)]
    there = [
        (name, part.read_columns([_target(found)])[_target(found)])
        for name, part in parts
        if part is not None and _target(found) in part.columns
    ]
    if found.comparison.new[0].card["task"] == CLASSIFICATION:
        return _classes(found, there)
    rows = []
    for name, part in there:
        values = part.astype("float64")
        numbers = (values.min(), values.median(), values.mean(), values.max(), values.std(ddof=0))
        rows.append(
            [Cell(name), Cell(str(len(part)), number=True), *(Cell(format_number(one), number=True) for one in numbers)]
        )
    return Table(f"The target: {_target(found)}", ["part", "rows", "min", "median", "mean", "max", "std"], rows)


def _classes(found: Outcome, parts: list[tuple[str, pd.Series]]) -> Table:
    classes = found.comparison.new[0].card["classes"]
    rows = []
    counted = [(part.astype(str).value_counts(), len(part)) for _, part in parts]
    for label in classes[:_CLASSES]:
        row = [Cell(str(label))]
        for counts, total in counted:
            count = int(counts.get(str(label), 0))
            row += [Cell(str(count), number=True), Cell(f"{count / total:.1%}", number=True)]
        rows.append(row)
    header = ["class", *(words for name, _ in parts for words in (f"{name} rows", f"{name} share"))]
    note = f"The first {_CLASSES} of {len(classes)} classes." if len(classes) > _CLASSES else ""
    return Table(f"The target: {_target(found)}", header, rows, note)


def _target(found: Outcome) -> str:
    return str(found.comparison.new[0].card["target"])


def _columns(found: Outcome) -> Table:
    features = found.comparison.new[0].card["features"]
    rows = [[Cell(one["name"]), Cell(one["kind"]), Cell(_range(one)), Cell("yes" if one["nullable"] else "")]
            for one in features[:_PARAMS]]  # fmt: skip
    note = f"The first {_PARAMS} of {len(features)} columns." if len(features) > _PARAMS else ""
    return Table("Columns of the training part", ["column", "kind", "values", "may be missing"], rows, note)


def _decisions(found: Outcome) -> Iterator[Table]:
    """What was decided about columns, and which are left out."""
    card = found.comparison.new[0].card
    rows = [[Cell(str(one["name"])), Cell(f"it {one['why']}")] for one in card.get("dropped", [])[:_PARAMS]]
    if rows:
        yield Table("Columns that are left out", ["column", "why"], rows)
    if notes := card.get("notes", []):
        yield Table("Decided about the data", ["decision"], [[Cell(str(note))] for note in notes[:_PARAMS]])


def _range(one: dict[str, Any]) -> str:
    if "categories" in one:
        shown = ", ".join(map(str, one["categories"][:5]))
        return f"{one['distinct']}: {shown}{', …' if one['distinct'] > 5 else ''}"  # noqa: PLR2004
    if "min" not in one:
        return "true, false" if one["kind"] == "boolean" else ""
    ends = [format_number(end) if isinstance(end, float) else str(end) for end in (one["min"], one["max"])]
    return f"{ends[0]} … {ends[1]}"


def _params(told: dict[str, Any]) -> Table:
    rows = []
    for model in told["models"]:
        params = ", ".join(f"{name}={value}" for name, value in model["params"].items())
        rows.append([Cell(model["name"]), Cell(str(model["class"]).rpartition(".")[2]), Cell(params or "defaults")])
    return Table("Parameters", ["model", "class", "params"], rows)


def _pictures(found: Outcome, shown: ComparedModel, seed: int) -> Iterator[Picture]:
    from airflow_mlcraft.ml.report.importances import importance_plot, importances
    from airflow_mlcraft.ml.report.plots import class_plots, compare_plot, number_plots

    metric = found.comparison.metric
    answers = shown.answers
    if answers is None:
        return
    if len(found.comparison.all_models) > 1:
        yield compare_plot(metric, found.to_json()["models"])
    if shown.card["task"] == CLASSIFICATION:
        yield from class_plots(answers)
    else:
        yield from number_plots(answers, seed)
    test = found.test if len(found.test) == len(answers.truth) else found.test.select_rows(found.comparison.unseen)
    ranked = importances(shown.model, test, answers.truth, metric, positive=shown.card.get("positive"), seed=seed)
    if ranked:
        yield importance_plot(ranked, metric)
