"""The route of the pages' files, for users who are logged in."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from airflow_mlcraft.adapters.airflow_api import GetUserDep

router = APIRouter()
_FOLDER = Path(__file__).parents[1] / "pages"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


@router.get("/{path:path}")
def page(path: str, user: GetUserDep) -> FileResponse:
    """A file of the build. Those in assets/ have their hash in their name."""
    file = (_FOLDER / path.replace("\0", "")).resolve()
    if not file.is_relative_to(_FOLDER.resolve()) or file.suffix not in _TYPES or not file.is_file():
        raise HTTPException(404, "There is no such page")
    is_hashed = path.startswith("assets/")
    cache = "private, max-age=31536000, immutable" if is_hashed else "no-cache"
    return FileResponse(file, media_type=_TYPES[file.suffix], headers={"Cache-Control": cache})
