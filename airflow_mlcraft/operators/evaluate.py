"""The operator of the steps whose tool has the hint `mlcraft:Evaluate`."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.champion import (
    LostChampionError,
    UnknownChampionError,
    champion_of_today,
    registered_name,
)
from airflow_mlcraft.operators.crowning import CrowningOperator
from airflow_mlcraft.operators.work import Work
from airflow_mlcraft.store.values import oid_of


class EvaluateOperator(CrowningOperator):
    """Compares models with each other and with today's champion, and crowns the best.

    The fields of its hint: `registry`, the registered model's name (the document's, when left out); `crown`, false
    where an approval follows, which crowns instead.
    """

    ui_color = "#e8eaf6"
    _only_first = False

    def prepare(self, job: dict[str, Json], task: Work, place: Place) -> dict[str, Json]:
        """The tool's inputs, with the champion of today."""
        if self._run is None or job.get("today") is not None:
            return job
        name, replaces = registered_name(self._hint(place), self.load_plan()), bool(job.get("replace_champion"))
        try:
            champion = champion_of_today(name, self._run, task, self.say)
        except UnknownChampionError as error:
            self._only_first = not replaces
            self.warn(f"{error}; the best new model becomes the champion {'' if replaces else 'only if there is none'}")
            return job
        except LostChampionError as error:
            if not replaces:
                raise LostChampionError(
                    f"{error}. It stays the champion; to replace it without a comparison, set `replace_champion` of "
                    "the workflow (`mlcraft train NAME --set replace_champion=true`)"
                ) from None
            self.warn(f"{error}; it is replaced without a comparison, as was asked for")
            return job
        return job if champion is None else {**job, "today": task.stage(champion)}

    def conclude(self, given: dict[str, Json], outputs: dict[str, Json], task: Work, place: Place) -> None:
        """Crown the best, if it is not the champion of today."""
        best, hint = outputs.get("champion"), self._hint(place)
        if best is None or hint.get("crown") is False:
            return
        today = task.keep(given.get("today"))
        if today is None or oid_of(today) != oid_of(best):
            self.crown(registered_name(hint, self.load_plan()), best, only_first=self._only_first)

    def _hint(self, place: Place) -> dict[str, Json]:
        hint: dict[str, Json] = (place.step.hints or {}).get("Evaluate", {})
        return hint
