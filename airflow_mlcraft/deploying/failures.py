"""What goes wrong with images and deployments, as sentences."""

from __future__ import annotations

from airflow_mlcraft.errors import MlcraftError


class DeployingError(MlcraftError):
    """An image or a deployment that cannot be made. `remedy` is the next step."""

    def __init__(self, message: str, remedy: str = ""):
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}" if remedy else message)
