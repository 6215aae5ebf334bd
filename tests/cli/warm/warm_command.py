"""A command whose work is a function of warm_probe.py: `warm_command.py FUNCTION …`; prints "cold" without a parent."""

from __future__ import annotations

from airflow_mlcraft.cli.warm import client

if __name__ == "__main__":
    if client.is_enabled():
        client.hand_over("warm_probe:main")
    print("cold")
