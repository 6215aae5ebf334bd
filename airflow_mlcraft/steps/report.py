"""The report of an evaluation: all models, the winner and why, the data, and plots of the winner's predictions."""

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


def write_report(outcome: Outcome, folder: Path, seed: int) -> None:
    """Write report.html, report.md and plots/."""
    page = report_page(outcome, seed)
    plots = folder / "plots"
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir(parents=True)
    for picture in page.pictures:
        (plots / f"{picture.name}.png").write_bytes(picture.png)
    (folder / "report.html").write_text(to_html(page), "utf-8")
    (folder / "report.md").write_text(to_markdown(page), "utf-8")


def report_page(outcome: Outcome, seed: int) -> Page:
    """The content of the report."""
    scores = outcome.to_json()
    model = (
        outcome.winner
        if outcome.winner is not None and outcome.winner.predictions is not None
        else outcome.best_new_model
    )
    return Page(
        title=f"{scores['task'].capitalize()} of {scores['target']}",
        headline=_headline(outcome),
        good=outcome.winner is not None,
        facts=_facts(outcome, scores),
        tables=list(_tables(outcome, scores)),
        pictures=list(_pictures(outcome, model, seed)),
        details=[_data(outcome), _columns(outcome), *_decisions(outcome), _params(scores)],
        notes=outcome.comparison.notes,
    )


def _headline(outcome: Outcome) -> str:
    if outcome.winner is None:
        return f"No champion: {outcome.verdict.reason}."
    if outcome.verdict.kept:
        return f"The {outcome.winner.label} stays: {outcome.verdict.reason}."
    return f"Champion: {outcome.winner.label} ({outcome.verdict.reason})."


def _facts(outcome: Outcome, scores: dict[str, Any]) -> list[tuple[str, str]]:
    metric = outcome.comparison.metric
    facts = [("decided by", f"{metric.name} ({metric.direction})"), ("chosen on", _chosen_on(outcome))]
    facts.append(("models", str(len(outcome.comparison.new))))
    if outcome.train is not None:
        facts.append(("training rows", f"{len(outcome.train)}"))
    facts.append(("test rows", f"{len(outcome.test)}"))
    if outcome.comparison.learned:
        facts.append(("of these new to the champion", str(len(outcome.test) - outcome.comparison.learned)))
    card = outcome.comparison.new[0].card
    facts.append(("columns", str(len(card["features"]))))
    if card["task"] == CLASSIFICATION:
        facts.append(("classes", str(len(card["classes"]))))
        if card["positive"] is not None:
            facts.append(("positive class", str(card["positive"])))
    return facts


def _chosen_on(outcome: Outcome) -> str:
    return (
        f"the {outcome.comparison.chosen_on}" if outcome.comparison.chosen_on == TEST else outcome.comparison.chosen_on
    )


def _tables(outcome: Outcome, scores: dict[str, Any]) -> Iterator[Table]:
    yield _models(outcome, scores)
    if outcome.comparison.failed:
        rows = [[Cell(failed.label), Cell(failed.reason)] for failed in outcome.comparison.failed]
        yield Table("Models that failed", ["model", "why"], rows, "They took no part; the others were compared.")
    if outcome.verdict.gates:
        yield Table("Gates", ["gate", "limit", "reached", "passed"], [_gate(gate) for gate in outcome.verdict.gates])


def _models(outcome: Outcome, scores: dict[str, Any]) -> Table:
    metric = outcome.comparison.metric.name
    names = [
        metric,
        *(
            metric_of_task.name
            for metric_of_task in METRICS.values()
            if metric_of_task.task == scores["task"] and metric_of_task.name != metric
        ),
    ]
    best = {name: _best(name, scores["models"]) for name in names}
    header = ["", "model", f"cv {metric}", f"train {metric}", *(f"test {name}" for name in names)]
    rows = []
    for model in scores["models"]:
        is_winner = model["name"] == scores["winner"]
        cv = model["cv"].get(metric)
        row = [Cell("★" if is_winner else str(model["rank"] or "")), Cell(model["name"], is_winner)]
        row.append(Cell(f"{format_number(cv['mean'])} ± {cv['std']:.3g}" if cv else "-", number=True))
        row.append(Cell(format_number(model["train"].get(metric)), number=True))
        test = model["test"]
        row += [Cell(format_number(test.get(name)), name in test and test[name] == best[name], True) for name in names]
        rows.append(row)
    descriptions = "; ".join(f"{name}: {METRICS[name].words}, {METRICS[name].direction}" for name in names)
    chosen = (
        "The mean over the folds of the training part (cv, ± their standard deviation) has chosen among the new "
        "models; the test part only measures them, and decides between the best of them and the champion of today."
        if outcome.comparison.chosen_on == CROSS_VALIDATION
        else "The test part has chosen among the new models, so the score of the best one on it is too good by some."
    )
    note = f"{chosen} {descriptions}."
    return Table("Models", header, rows, note)


def _best(name: str, models: list[dict[str, Any]]) -> float | None:
    scores: list[float] = [
        model["test"][name] for model in models if model["test"].get(name) is not None and model["role"] != BASELINE
    ]
    if not scores:
        return None
    return max(scores) if METRICS[name].higher_is_better else min(scores)


def _gate(gate: Gate) -> list[Cell]:
    passed_cell = Cell("yes" if gate.passed else "no", not gate.passed)
    return [
        Cell(gate.name),
        Cell(format_number(gate.limit), number=True),
        Cell(format_number(gate.value), number=True),
        passed_cell,
    ]


def _data(outcome: Outcome) -> Table:
    parts = [("training", outcome.train), ("test", outcome.test)]
    targets = [
        (name, part.read_columns([_target(outcome)])[_target(outcome)])
        for name, part in parts
        if part is not None and _target(outcome) in part.columns
    ]
    if outcome.comparison.new[0].card["task"] == CLASSIFICATION:
        return _classes(outcome, targets)
    rows = []
    for name, part in targets:
        values = part.astype("float64")
        numbers = (values.min(), values.median(), values.mean(), values.max(), values.std(ddof=0))
        rows.append(
            [Cell(name), Cell(str(len(part)), number=True), *(Cell(format_number(one), number=True) for one in numbers)]
        )
    return Table(f"The target: {_target(outcome)}", ["part", "rows", "min", "median", "mean", "max", "std"], rows)


def _classes(outcome: Outcome, parts: list[tuple[str, pd.Series]]) -> Table:
    classes = outcome.comparison.new[0].card["classes"]
    rows = []
    counted = [(part.astype(str).value_counts(), len(part)) for _, part in parts]
    for label in classes[:_CLASSES]:
        row = [Cell(str(label))]
        for counts, total in counted:
            count = int(counts.get(str(label), 0))
            row += [Cell(str(count), number=True), Cell(f"{count / total:.1%}", number=True)]
        rows.append(row)
    header = ["class", *(column for name, _ in parts for column in (f"{name} rows", f"{name} share"))]
    note = f"The first {_CLASSES} of {len(classes)} classes." if len(classes) > _CLASSES else ""
    return Table(f"The target: {_target(outcome)}", header, rows, note)


def _target(outcome: Outcome) -> str:
    return str(outcome.comparison.new[0].card["target"])


def _columns(outcome: Outcome) -> Table:
    features = outcome.comparison.new[0].card["features"]
    rows = [[Cell(one["name"]), Cell(one["kind"]), Cell(_range(one)), Cell("yes" if one["nullable"] else "")]
            for one in features[:_PARAMS]]  # fmt: skip
    note = f"The first {_PARAMS} of {len(features)} columns." if len(features) > _PARAMS else ""
    return Table("Columns of the training part", ["column", "kind", "values", "may be missing"], rows, note)


def _decisions(outcome: Outcome) -> Iterator[Table]:
    """Notes on the choice of columns, and the columns that are left out."""
    card = outcome.comparison.new[0].card
    rows = [[Cell(str(one["name"])), Cell(f"it {one['why']}")] for one in card.get("dropped", [])[:_PARAMS]]
    if rows:
        yield Table("Columns that are left out", ["column", "why"], rows)
    if notes := card.get("notes", []):
        yield Table("Decided about the data", ["decision"], [[Cell(str(note))] for note in notes[:_PARAMS]])


def _range(feature: dict[str, Any]) -> str:
    if "categories" in feature:
        categories = ", ".join(map(str, feature["categories"][:5]))
        return f"{feature['distinct']}: {categories}{', …' if feature['distinct'] > 5 else ''}"  # noqa: PLR2004
    if "min" not in feature:
        return "true, false" if feature["kind"] == "boolean" else ""
    ends = [format_number(end) if isinstance(end, float) else str(end) for end in (feature["min"], feature["max"])]
    return f"{ends[0]} … {ends[1]}"


def _params(scores: dict[str, Any]) -> Table:
    rows = []
    for model in scores["models"]:
        params = ", ".join(f"{name}={value}" for name, value in model["params"].items())
        rows.append([Cell(model["name"]), Cell(str(model["class"]).rpartition(".")[2]), Cell(params or "defaults")])
    return Table("Parameters", ["model", "class", "params"], rows)


def _pictures(outcome: Outcome, model: ComparedModel, seed: int) -> Iterator[Picture]:
    from airflow_mlcraft.ml.report.importances import importance_plot, importances
    from airflow_mlcraft.ml.report.plots import class_plots, compare_plot, number_plots

    metric = outcome.comparison.metric
    predictions = model.predictions
    if predictions is None:
        return
    if len(outcome.comparison.all_models) > 1:
        yield compare_plot(metric, outcome.to_json()["models"])
    if model.card["task"] == CLASSIFICATION:
        yield from class_plots(predictions)
    else:
        yield from number_plots(predictions, seed)
    test = (
        outcome.test
        if len(outcome.test) == len(predictions.y_true)
        else outcome.test.select_rows(outcome.comparison.unseen)
    )
    ranked = importances(model.model, test, predictions.y_true, metric, positive=model.card.get("positive"), seed=seed)
    if ranked:
        yield importance_plot(ranked, metric)
