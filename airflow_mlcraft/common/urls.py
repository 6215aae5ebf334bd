"""URLs without credentials, for messages, logs and requests."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MASK = "***"


def mask_url(url: str) -> str:
    """A URL for messages: `***` for the user and password and for each value of the query, and no fragment."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    netloc = f"{MASK}@{host_and_port(url)}" if "@" in parts.netloc else parts.netloc
    query = "&".join(_mask_parameter(parameter) for parameter in parts.query.split("&")) if parts.query else ""
    return parts._replace(netloc=netloc, query=query, fragment="").geturl()


def without_userinfo(url: str) -> str:
    """A URL without its user and password."""
    parts = urlsplit(url)
    # Only if necessary, as `urlunsplit` changes some URLs: `sqlite:///file` loses two slashes.
    return parts._replace(netloc=host_and_port(url)).geturl() if "@" in parts.netloc else url


def without_userinfo_and_query(url: str) -> str:
    """A URL without its user and password and without its query, which may hold a signature, and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_and_port(url)}{parts.path}"


def remove_userinfo(text: str) -> str:
    """A text without the user and password of each URL in it."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def host_and_port(url: str) -> str:
    """The host of a URL, with the port if the URL has one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _mask_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={MASK}" if equals else MASK
