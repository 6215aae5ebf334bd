"""The web app, created at its first request: Airflow loads the plugin also in processes that serve no pages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

URL_PREFIX = "/mlcraft"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]


class LazyApp:
    """An ASGI app that creates the real one at its first request."""

    def __init__(self) -> None:
        self._app: Any = None
        self._lock: asyncio.Lock | None = None

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Handle a request with the app, after creating it at the first one."""
        if scope["type"] == "lifespan":
            return
        if self._app is None:
            # Created here, in the event loop that waits for it.
            self._lock = self._lock or asyncio.Lock()
            async with self._lock:
                if self._app is None:
                    self._app = await asyncio.to_thread(_create_app, scope["app"])
        await self._app(scope, receive, send)


def _create_app(airflow: Any) -> Any:
    from airflow_mlcraft.plugin.web.app import make_app

    return make_app(airflow)
