"""Client of the REST API of a running Airflow, with MLcraft's plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from airflow_mlcraft.errors import ProjectError

USER, PASSWORD, TOKEN = "MLCRAFT_SERVER_USER", "MLCRAFT_SERVER_PASSWORD", "MLCRAFT_SERVER_TOKEN"
_UNAUTHORIZED, _NO_TOKEN, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _FIRST_ERROR_STATUS = 401, 401, 403, 404, 409, 400
AskLogin = Callable[[str], tuple[str, str]]


class ServerApi:
    """A server, used as a context manager. The login is in `keys`, or comes from `ask_login`."""

    def __init__(self, url: str, keys: Mapping[str, str], ask_login: AskLogin | None = None):
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ProjectError(f"{url!r} is no address of an Airflow", "expected http://HOST:PORT")
        self._client = httpx.Client(base_url=self.url, timeout=30)
        self._keys = keys
        self._ask_login = ask_login

    def __enter__(self) -> ServerApi:
        token = self._keys.get(TOKEN) or self._request_token()
        self._client.headers["Authorization"] = f"Bearer {token}"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def find_dag_ids(self, pattern: str) -> list[str]:
        """Return the ids of DAGs that contain a text."""
        page = self._get("/api/v2/dags", {"dag_id_pattern": f"%{pattern}%", "limit": "100"})
        return [str(dag["dag_id"]) for dag in page["dags"]]

    def has_dag(self, dag_id: str) -> bool:
        """Whether the server has imported a DAG."""
        response = self._request("GET", f"/api/v2/dags/{quote(dag_id, safe='')}")
        return response.status_code != _NOT_FOUND and bool(self._parse_response(response))

    def save_document(self, path: str, text: str) -> str:
        """Save a document in the server's folder, unless it exists already. Returns the id of its DAG."""
        path_in_api = f"/mlcraft/api/documents/{quote(path)}"
        response = self._request("PUT", path_in_api, json={"text": text, "base": None}, headers=self._origin_header())
        if response.status_code == _NOT_FOUND:
            raise ProjectError(f"the Airflow at {self.url} has no MLcraft", "install it there, or run without a server")
        if response.status_code == _CONFLICT and response.json().get("text") == text:
            response = self._request("GET", path_in_api)
        return str(self._parse_response(response)["dag_id"])

    def upload(self, dag_id: str, path: Path, name: str) -> dict[str, Any]:
        """Upload a file for a run. Returns its CWL File on the server."""
        try:
            with path.open("rb") as stream:
                response = self._request(
                    "POST",
                    f"/mlcraft/api/dags/{quote(dag_id, safe='')}/files",
                    params={"name": name},
                    content=stream,
                    headers={**self._origin_header(), "Content-Length": str(path.stat().st_size)},
                )
        except OSError as error:
            raise ProjectError(f"{path} cannot be sent: {error.strerror or error}") from error
        file: dict[str, Any] = self._parse_response(response)
        return file

    def _origin_header(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        return {"Origin": f"{parts.scheme}://{parts.netloc}"}

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG; a paused one does not start its runs."""
        self._send_json("PATCH", f"/api/v2/dags/{quote(dag_id, safe='')}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._send_json("POST", f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns", body)

    def get_run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return str(self._get(self._run_path(dag_id, run_id))["state"])

    def list_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all task instances of a run, from all pages."""
        tasks: list[dict[str, Any]] = []
        while True:
            query = {"limit": "100", "offset": str(len(tasks))}
            page = self._get(f"{self._run_path(dag_id, run_id)}/taskInstances", query)
            tasks += page["task_instances"]
            if not page["task_instances"] or len(tasks) >= page["total_entries"]:
                return tasks

    def read_xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """Return the return value of a task; None if it has none."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances/{quote(task_id, safe='')}/xcomEntries/return_value"
        query = {"map_index": str(map_index), "deserialize": "false", "stringify": "false"}
        response = self._request("GET", path, params=query)
        if response.status_code == _NOT_FOUND:
            return None
        return self._parse_response(response)["value"]

    def stop(self, dag_id: str, run_id: str) -> None:
        """Stop a run by setting its state to failed."""
        self._send_json("PATCH", self._run_path(dag_id, run_id), {"state": "failed"})

    def _run_path(self, dag_id: str, run_id: str) -> str:
        return f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"

    def _request_token(self) -> str:
        user, password = self._keys.get(USER, ""), self._keys.get(PASSWORD, "")
        if not (user and password):
            if self._ask_login is None:
                raise ProjectError(
                    f"nobody said who you are to {self.url}",
                    f"give {USER} and {PASSWORD}, or {TOKEN}, in the environment or in .env",
                )
            user, password = self._ask_login(self.url)
        response = self._request("POST", "/auth/token", json={"username": user, "password": password})
        if response.status_code == _NO_TOKEN:
            raise ProjectError(f"{self.url} does not take this user and password", f"check {USER} and {PASSWORD}")
        return str(self._parse_response(response)["access_token"])

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._parse_response(self._request("GET", path, params=dict(query or {})))

    def _send_json(self, method: str, path: str, body: Any) -> Any:
        return self._parse_response(self._request(method, path, json=body))

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ProjectError(
                f"the Airflow at {self.url} does not answer: {error or type(error).__name__}",
                "start it, or leave out --server",
            ) from None

    def _parse_response(self, response: httpx.Response) -> Any:
        if response.status_code < _FIRST_ERROR_STATUS:
            return response.json()
        # For an invalid token, Airflow may answer 403 as well.
        if response.status_code == _UNAUTHORIZED or (response.status_code == _FORBIDDEN and self._keys.get(TOKEN)):
            raise ProjectError(f"{self.url} does not take this token for that", f"give another {TOKEN}")
        if response.status_code == _FORBIDDEN:
            raise ProjectError(f"{self.url} does not let this user do that", "ask who runs it for the permission")
        try:
            detail = response.json().get("detail", response.text)
        except ValueError:
            detail = response.text[:200]
        raise ProjectError(f"{self.url} answers {response.status_code}: {detail}")
