"""The image's copy of this package has all modules that the server imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tarfile import open as open_tar

import airflow_mlcraft
from airflow_mlcraft.deploying.build_context import ImageRecipe, write_context

PACKAGE = Path(airflow_mlcraft.__file__).parent
_EAGER_IMPORTS_ONLY = ("__init__.py", "tracking")
"""Parts whose functions import more, which the server does not call."""


def test_the_image_has_all_that_its_server_imports(tmp_path: Path) -> None:
    recipe = ImageRecipe("iris", tmp_path / "model", "content", Path("python"), "base")
    for folder in (recipe.model, tmp_path / "packages"):
        folder.mkdir()
    stream = BytesIO()
    write_context(recipe, "", tmp_path / "packages", stream)
    stream.seek(0)
    with open_tar(fileobj=stream) as archive:
        files = {name.removeprefix("server/") for name in archive.getnames() if name.startswith("server/")}
    left = ["airflow_mlcraft/serving/__main__.py"]
    seen = set(left)
    while left:
        name = left.pop()
        for imported in _imports(PACKAGE.parent / name, only_at_import=name.split("/")[1] in _EAGER_IMPORTS_ONLY):
            assert imported in files, f"{name} imports {imported}, which the image lacks"
            if imported not in seen:
                seen.add(imported)
                left.append(imported)
    assert {"airflow_mlcraft/serving/process/worker.py", "airflow_mlcraft/ml/user_code.py"} <= seen <= files


def _imports(path: Path, *, only_at_import: bool) -> Iterator[str]:
    """Files of this package that a file imports, with or without imports in functions."""
    tree = ast.parse(path.read_text())
    for node in tree.body if only_at_import else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "airflow_mlcraft":
            for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                place = module.replace(".", "/")
                for found in (f"{place}.py", f"{place}/__init__.py"):
                    if (PACKAGE.parent / found).is_file():
                        yield found
