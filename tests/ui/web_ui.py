"""Airflow's web UI as a person sees it: a browser that has logged in, and what can be done on its pages."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from playwright.sync_api import Error, FloatRect, Locator, Page, expect, sync_playwright

from .site import Site

T = TypeVar("T")
TIME_LIMIT = 600.0
"""Seconds; the machine may have other things to do."""
_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def browser_on(site: Site, pictures: Path) -> Iterator[WebUI]:
    """A browser before the login; when a test fails, what it saw last is in `pictures`."""
    expect.set_options(timeout=TIME_LIMIT * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, _NAMES))), args=_ARGUMENTS.split()
        )
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, color_scheme="light", locale="en-US", reduced_motion="reduce"
        )
        context.set_default_timeout(TIME_LIMIT * 1000)
        page = context.new_page()
        try:
            yield WebUI(page, site, pictures)
        except BaseException:
            page.screenshot(path=pictures / "failed.png")
            raise
        finally:
            browser.close()


class WebUI:
    """One page of a browser."""

    def __init__(self, page: Page, site: Site, pictures: Path) -> None:
        self.page = page
        self.site = site
        self.pictures = pictures

    def log_in(self) -> None:
        """Fill in the login form."""
        self.open("/")
        self.page.get_by_label("Username").fill(self.site.user)
        self.page.get_by_label("Password").fill(self.site.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_text("Welcome")).to_be_visible()

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self.site.url + path)

    def get_json(self, path: str) -> Any:
        """The JSON of a GET request to Airflow's API, as the user who has logged in."""
        answer = self.page.request.get(f"{self.site.url}/api/v2/{path}")
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()

    def wait_until(self, condition: Callable[[], T], what: str) -> T:
        """Wait for a condition."""
        deadline = time.monotonic() + TIME_LIMIT
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {TIME_LIMIT:.0f} s: {what}"
            self.page.wait_for_timeout(500)
        return value

    def find_box(self, target: Locator) -> FloatRect:
        """The bounding box of an element, once it is visible: a page may render it anew at any moment."""
        found = self.wait_until(target.bounding_box, f"{target} to be seen")
        assert found
        return found

    def picture(self, name: str) -> None:
        """Keep what is on the screen now, once it stands still."""
        (self.pictures / f"{name}.png").write_bytes(self.wait_until_still())

    def wait_until_still(self) -> bytes:
        """Wait until nothing moves; what is on the screen."""
        before, now = b"", self.page.screenshot()
        while before != now:
            self.page.wait_for_timeout(500)
            before, now = now, self.page.screenshot()
        return now

    # DAGs

    def dag_ids(self) -> set[str]:
        """The DAGs that there are."""
        return {dag["dag_id"] for dag in self.get_json("dags")["dags"]}

    def versions(self, dag_id: str) -> list[int]:
        """The versions of a DAG, oldest first."""
        return sorted(
            version["version_number"] for version in self.get_json(f"dags/{dag_id}/dagVersions")["dag_versions"]
        )

    def import_errors(self) -> dict[str, str]:
        """The import errors by the file that they are about."""
        return {error["filename"]: error["stack_trace"] for error in self.get_json("importErrors")["import_errors"]}

    def open_import_errors(self) -> Locator:
        """Open the list of import errors on the home page."""
        badge = self.page.get_by_text("Dag Import Error")

        def shows() -> bool:
            # From time to time Airflow forgets the errors, until it parses the DAG file again.
            self.open("/")
            with suppress(Error):
                badge.wait_for(timeout=10_000)
            return badge.is_visible()

        self.wait_until(shows, "import errors on the home page")
        badge.click()
        return self.page.get_by_role("dialog").filter(has_text="Dag Import Error")

    def open_dag(self, name: str) -> None:
        """Find a DAG in the list, and open it."""
        self.open("/dags")
        self.page.get_by_role("link", name=name, exact=True).first.click()
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    # Runs

    def trigger_form(self) -> Locator:
        """Press Trigger on the page of a DAG; the form."""
        self.page.get_by_role("button", name="Trigger Dag").click()
        form = self.page.get_by_role("dialog").filter(has_text="Trigger Dag")
        expect(form.get_by_text("Run Parameters")).to_be_visible()
        return form

    def trigger(self, form: Locator) -> str:
        """Send the form off; the id of the run."""
        button = form.get_by_role("button", name="Trigger", exact=True)
        expect(button).to_be_enabled()
        button.click()
        self.page.wait_for_url(re.compile(r"/runs/manual__[^/]+$"))
        return self.page.url.rpartition("/runs/")[2]

    def wait_for(self, dag_id: str, run_id: str, state: str) -> dict[tuple[str, int], dict[str, Any]]:
        """Wait until a run is in a state; its task instances."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}"
        # A page of a run asks for much, and draws what turns: the tasks need the machine more.
        self.page.goto("about:blank")
        try:
            self.wait_until(lambda: self.get_json(path)["state"] in {state, "failed", "success"}, f"{dag_id} {state}")
            assert self.get_json(path)["state"] == state, f"{dag_id} is not {state}"
        except AssertionError as error:
            states = [f"{task} {index}: {found['state']}" for (task, index), found in self.tasks(path).items()]
            raise AssertionError(f"{error}; {', '.join(states)}\n{self.logs_of_failed_tasks(path)}") from None
        return self.tasks(path)

    def logs_of_failed_tasks(self, run: str) -> str:
        """The end of the log of each failed task of a run."""
        failed = {key: task for key, task in self.tasks(run).items() if task["state"] == "failed"}
        return "\n".join(
            json.dumps(
                self.get_json(
                    f"{run}/taskInstances/{name}/logs/{task['try_number']}?full_content=true&map_index={index}"
                )
            )[-6000:]
            for (name, index), task in failed.items()
        )

    def tasks(self, run: str) -> dict[tuple[str, int], dict[str, Any]]:
        """The task instances of a run by task and map index."""
        tasks = self.get_json(f"{run}/taskInstances")["task_instances"]
        return {(task["task_id"], task["map_index"]): task for task in tasks}

    def outputs(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """What the task `outputs` of a run has returned."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/outputs/xcomEntries/return_value"
        value: dict[str, Any] = self.get_json(f"{path}?deserialize=false&stringify=false")["value"]
        return value

    def open_task(self, dag_id: str, run_id: str, task: str) -> None:
        """Open a page of a task instance: `step`, `step/mapped/1` or `step/xcom`."""
        self.open(f"/dags/{dag_id}/runs/{run_id}/tasks/{task}")

    def show_graph(self) -> None:
        """On the page of a run: its graph, from top to bottom."""
        self.page.get_by_role("button", name="Show Graph").click()
        self.page.get_by_role("button", name="Options").click()
        self.page.get_by_role("combobox", name="Graph Direction").click()
        self.page.get_by_role("option", name="Top to Bottom").click()
        self.page.keyboard.press("Escape")

    def widen_details(self) -> None:
        """Give the graph and the panel beside it the same room, and the graph all of its room."""
        border = self.find_box(self.page.get_by_role("separator").first)
        self.page.mouse.move(border["x"] + 1, border["y"] + 200)
        self.page.mouse.down()
        self.page.mouse.move(640, border["y"] + 200, steps=5)
        self.page.mouse.up()
        self.page.add_style_tag(content=".react-flow__minimap { display: none }")
        self.wait_until_still()
        self.page.get_by_role("button", name="Fit View").click()

    def clear(self) -> None:
        """Clear the task instance whose page is open, and what comes after it."""
        self.page.get_by_role("button", name="to clear").click()
        form = self.page.get_by_role("dialog").filter(has_text="Clear Task Instance")
        # Airflow asks first what would be cleared.
        expect(form).to_contain_text(re.compile("Affected Tasks: [1-9]"))
        with self.page.expect_response(
            lambda answer: (
                answer.url.endswith("/clearTaskInstances") and not answer.request.post_data_json.get("dry_run", True)
            )
        ) as cleared:
            form.get_by_role("button", name="Confirm").click()
        assert cleared.value.ok, cleared.value.text()
        expect(form).to_be_hidden()
