"""Entities for the values of a run: files and folders by their content, anything else as PropertyValue."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from airflow_mlcraft.common.safe_names import is_safe_relative_path, safe_name
from airflow_mlcraft.cwl.plan import Json, hash_json
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.provenance.parameters import DATA
from airflow_mlcraft.store.export import export_value
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.values import EMPTY_FOLDERS, oid_of, store_value


class Data:
    """Adds the files and values of a run to the crate; each content is added once under each of its names."""

    def __init__(self, crate: ROCrate, folder: Path, store: Store, base: str, secrets: frozenset[str]):
        self._crate = crate
        self._folder = folder
        self._store = store
        self._base = base
        """The folder of files that the document refers to."""
        self._secrets = secrets
        """Secret texts, which are not written to the crate."""
        self._linked: set[tuple[str, str]] = set()

    def add_value(self, owner: str, name: str, value: Json, parameter: Entity | None) -> list[Entity]:
        """Add the entities for the value of a parameter in one execution; [] for null."""
        found = self._add_entities(owner + quote(name), name, value)
        if parameter is not None:
            for entity in found:
                self._link_parameter(entity, parameter)
        return found

    def _add_entities(self, identifier: str, name: str, value: Json) -> list[Entity]:
        if value is None:
            return []
        if isinstance(value, list) and _has_files(value):
            return [
                entity for n, item in enumerate(value) for entity in self._add_entities(f"{identifier}/{n}", name, item)
            ]
        if isinstance(value, dict) and value.get("class") in ("File", "Directory"):
            return [self._add_file_or_folder(store_value(self._store, restore_locations(value, self._base)))]
        if not isinstance(value, dict) and self._is_secret(value):
            return []
        return [self._add_property(identifier, name, value)]

    def _is_secret(self, value: Json) -> bool:
        if isinstance(value, (list, dict)):
            return any(self._is_secret(item) for item in (value.values() if isinstance(value, dict) else value))
        return isinstance(value, str) and any(secret in value for secret in self._secrets)

    def _add_property(self, identifier: str, name: str, value: Json) -> Entity:
        property_value: Any = value
        if isinstance(value, dict):
            property_value = [
                part
                for key in value
                for part in self._add_entities(f"{identifier}/{quote(key)}", f"{name}/{key}", value[key])
            ]
        elif isinstance(value, list) and any(isinstance(item, (list, dict)) or item is None for item in value):
            # JSON-LD would flatten nested lists.
            property_value = json.dumps(value, ensure_ascii=False)
        return self._crate.add(
            ContextEntity(
                self._crate, identifier, properties={"@type": "PropertyValue", "name": name, "value": property_value}
            )
        )

    # Files and folders

    def _add_file_or_folder(self, value: Mapping[str, Any]) -> Entity:
        secondary = value.get("secondaryFiles")
        if not secondary:
            return self._add_folder(value) if value["class"] == "Directory" else self._add_file(value)
        # A file and its secondary files are stored in one folder.
        group_folder = f"{DATA}/{hash_json(value)[:32]}"
        main, *rest = [
            self._add_file(item, group_folder) if item["class"] == "File" else self._add_folder(item, group_folder)
            for item in (value, *secondary)
        ]
        existing = self._crate.get(f"#{group_folder}")
        if existing is not None:
            return existing
        properties = {
            "@type": "Collection",
            "name": value["basename"],
            "mainEntity": main,
            "hasPart": [main, *rest],
        }
        collection = self._crate.add(ContextEntity(self._crate, f"#{group_folder}", properties=properties))
        self._crate.root_dataset.append_to("mentions", collection)
        return collection

    def _add_file(self, file: Mapping[str, Any], group_folder: str = "") -> Entity:
        oid = oid_of(file)
        if not oid:
            # A remote file that was not downloaded.
            return self._crate.get(file["location"]) or self._crate.add_file(file["location"])
        path = f"{group_folder or f'{DATA}/{oid}'}/{safe_name(file['basename'])}"
        target = self._folder / path
        if target.exists():
            return self._get_entity(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._store.link(oid, target)
        properties: dict[str, Any] = {
            "name": file["basename"],
            "md5": oid,
            "contentSize": str(target.stat().st_size),
        }
        if encoding := file.get("format") or mimetypes.guess_type(file["basename"])[0]:
            properties["encodingFormat"] = encoding
        # The file is already at its path in the crate, so rocrate copies nothing.
        return self._crate.add_file(target, path, properties=properties)

    def _add_folder(self, folder: Mapping[str, Any], group_folder: str = "") -> Entity:
        oid = oid_of(folder)
        path = f"{group_folder or f'{DATA}/{oid or hash_json(folder)[:32]}'}/{safe_name(folder['basename'])}"
        target = self._folder / path
        if target.exists():
            return self._get_entity(f"{path}/")
        if oid:
            self._store.checkout(oid, target)
            for empty in filter(is_safe_relative_path, folder.get(EMPTY_FOLDERS, ())):
                (target / empty).mkdir(parents=True, exist_ok=True)
        else:
            export_value(self._store, dict(folder), target.parent, writable=False)
        properties = {"name": folder["basename"], **({"md5": oid} if oid else {})}
        return self._crate.add_dataset(target, path, properties=properties)

    def _get_entity(self, path: str) -> Entity:
        return self._crate.get(quote(path))

    # Parameters

    def _link_parameter(self, entity: Entity, parameter: Entity) -> None:
        """Link an entity to the parameter whose value it is."""
        if (entity.id, parameter.id) in self._linked:
            return
        self._linked.add((entity.id, parameter.id))
        entity.append_to("exampleOfWork", parameter, compact=True)
        kind = entity.type[0] if isinstance(entity.type, list) else entity.type
        types = parameter["additionalType"]
        types = types if isinstance(types, list) else [types]
        # A parameter of type Any gets the types of its values.
        if kind != "PropertyValue" and kind not in types:
            parameter["additionalType"] = [*(name for name in types if name != "DataType"), kind]


def _has_files(value: Json) -> bool:
    if isinstance(value, list):
        return any(_has_files(item) for item in value)
    return isinstance(value, dict) and (
        value.get("class") in ("File", "Directory") or any(_has_files(item) for item in value.values())
    )
