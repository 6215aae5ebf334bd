"""`make stop`: stop the inference servers that runs of this project have started."""

from __future__ import annotations

from project_home import HOME

from airflow_mlcraft.serving.process import local_server


def main() -> None:
    """Stop all servers, and print a line for each."""
    folders = sorted((HOME / "mlcraft" / "deployments").glob("*/"))
    running = [folder for folder in folders if local_server.find_running(folder)]
    for folder in running:
        local_server.stop(folder)
        print(f"{folder.name} is no longer served.")
    if not running:
        print("Nothing is served.")


if __name__ == "__main__":
    main()
