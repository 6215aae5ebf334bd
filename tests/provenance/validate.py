"""Validates crates with roc-validator, without a network: `python validate.py CRATE…` prints what is wrong, as JSON.

The two JSON-LD contexts of a crate are given to the validator by its cache. contexts.json has them: of RO-Crate's
own (CC0, https://w3id.org/ro/crate/1.1/context) the terms that our crates use, of the Workflow Run terms all.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from rocrate_validator import models, services
from urllib3 import HTTPResponse

CONTEXTS = Path(__file__).with_name("contexts.json")


class Contexts(BaseAdapter):
    """Answers from contexts.json."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = {url: json.dumps(context) for url, context in json.loads(CONTEXTS.read_text()).items()}

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]
        answer = Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = HTTPResponse(io.BytesIO(self.texts[answer.url].encode()), status=200, preload_content=False)
        return answer

    def close(self) -> None:
        pass


def cache(folder: Path) -> Path:
    """Create the cache of the validator, with the contexts in it."""
    path, contexts = folder / "cache", Contexts()
    with CachedSession(cache_name=str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", contexts)
        for url in contexts.texts:
            session.get(url)
    return path


def verdict(crate: str, known: Path) -> dict[str, Any]:
    """Return the profiles that a crate conforms to, and the violated requirements."""
    settings = {
        "rocrate_uri": crate,
        "offline": True,
        "cache_path": str(known),
        "requirement_severity": models.Severity.REQUIRED,
    }
    profiles = [profile.identifier for profile in services.detect_profiles(settings)]
    issues = []
    for profile in profiles:
        result = services.validate({**settings, "profile_identifier": profile})
        issues += [f"{issue.violatingEntity}: {issue.message}" for issue in result.get_issues()]
        assert result.passed() is not bool(issues)
    return {"profiles": profiles, "issues": issues}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        known = cache(Path(folder))
        print(json.dumps({crate: verdict(crate, known) for crate in sys.argv[1:]}))
