"""The requirements and hints that apply to one process, written into it: Composer would lose inherited ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cwltool.process import Process
from cwltool.update import ORIGINAL_CWLVERSION

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.composer.losses import Losses
from airflow_mlcraft.cwl.composer.names import CWLTOOL, SBG, Names, short_id
from airflow_mlcraft.cwl.nodes import to_builtin
from airflow_mlcraft.cwl.plan import Json

# Features of a workflow, as opposed to requirements of its tools: Composer derives them, and so does the loader.
FEATURES = {
    "SubworkflowFeatureRequirement",
    "ScatterFeatureRequirement",
    "MultipleInputFeatureRequirement",
    "StepInputExpressionRequirement",
}
JAVASCRIPT = "InlineJavascriptRequirement"
SHELL = "ShellCommandRequirement"
# The names that CWL v1.0 has for requirements of later versions.
EXTENSIONS = {
    "WorkReuse": "WorkReuse",
    "NetworkAccess": "NetworkAccess",
    "InplaceUpdateRequirement": "InplaceUpdateRequirement",
    "LoadListingRequirement": "LoadListingRequirement",
    "ToolTimeLimit": "TimeLimit",
}
# The hints that cwltool adds to a document of v1.0.
_CWLTOOL_V1_0_HINTS = [
    {"class": "LoadListingRequirement", "loadListing": "deep_listing"},
    {"class": "NetworkAccess", "networkAccess": True},
]
_FILE_NAME_FIELDS = {"run", "$import", "$include", "$mixin"}
_INPUT_REFERENCE = re.compile(r"\$\(\s*inputs\.(\w+)\s*\)")
_REFERENCE = re.compile(r"""\$\([A-Za-z_]\w*(?:\.\w+|\[(?:'[^']*'|"[^"]*"|\d+)\])*\)""")
_FILE_LITERAL = re.compile(r"""class["']?\s*:\s*["'](?:File|Directory)["']""")
_MAX_SHOWN_ENTRY = 40
_LIST_FIELDS = {"EnvVarRequirement": "envDef", "SoftwareRequirement": "packages"}


def is_written_in(process: Process, version: str) -> bool:
    """Whether a process was written in a version of CWL."""
    return str(process.metadata.get(ORIGINAL_CWLVERSION, "")) == version


def is_written_in_v1_0(process: Process) -> bool:
    """Whether a process was written in CWL v1.0, which has other defaults."""
    return is_written_in(process, "v1.0")


def has_expressions(node: Any) -> bool:
    """Whether there is an expression anywhere in a part of a document."""
    text = json.dumps(to_builtin(node), default=str)
    return "$(" in text or "${" in text


def needs_javascript(node: Any) -> bool:
    """Whether an expression in a part of a document is more than a reference to a parameter."""
    text = json.dumps(to_builtin(node), default=str, ensure_ascii=False).replace('\\"', '"')
    return "${" in text or text.count("$(") != len(_REFERENCE.findall(text))


def effective_requirements(process: Process) -> dict[str, Mapping[str, Any]]:
    """The requirements that apply to a process, including those of the enclosing workflows."""
    return {str(requirement["class"]): requirement for requirement in process.requirements}


def own_hints(process: Process) -> list[Any]:
    """The hints of a process in the document itself."""
    return without_defaults(process.tool.get("hints") or [], process)


def without_defaults(hints: Sequence[Any], process: Process) -> list[Any]:
    """Hints without those that cwltool added."""
    if (
        is_written_in_v1_0(process)
        and [to_builtin(hint) for hint in hints[: len(_CWLTOOL_V1_0_HINTS)]] == _CWLTOOL_V1_0_HINTS
    ):
        return list(hints[len(_CWLTOOL_V1_0_HINTS) :])
    return list(hints)


class RequirementWriter:
    """The requirements and hints of one tool in Composer's form."""

    def __init__(self, names: Names, losses: Losses):
        self._names = names
        self._losses = losses

    def tool_fields(self, process: Process) -> dict[str, Json]:
        """Both fields, each left out when it is empty."""
        effective = effective_requirements(process)
        own = {str(item["class"]) for item in process.tool.get("requirements") or ()}
        uses = has_expressions({key: item for key, item in process.tool.items() if key not in ("requirements", "doc")})
        requirements, hints = [], []
        for name, requirement in effective.items():
            if name in FEATURES or name == "SchemaDefRequirement":
                continue
            if name == JAVASCRIPT and name not in own and not (uses and self._inherits_javascript(process)):
                continue
            if name in EXTENSIONS:
                hints.append(self._extension(requirement))
            elif name == SHELL and not _disables_quoting(process.tool):
                # Composer drops the requirement unless an argument needs it.
                hints.append(self._hint(requirement))
            else:
                requirements.append(self._requirement(requirement, process))
        hints += self._tool_hints(process, effective)
        hints += self._defaults(process)
        return {key: value for key, value in (("requirements", requirements), ("hints", hints)) if value}

    def _inherits_javascript(self, process: Process) -> bool:
        """Whether a tool inherits a JavaScript requirement that the loader has added for links of Composer."""
        namespaces = process.metadata.get("$namespaces")
        by_composer = is_written_in_v1_0(process) and isinstance(namespaces, dict) and SBG in namespaces.values()
        return not by_composer or needs_javascript(process.tool)

    def workflow_hints(self, process: Process) -> list[Json]:
        """The hints of a workflow; its requirements are written into its tools."""
        return [self._hint_or_extension(hint) for hint in own_hints(process)]

    def step_hints(self, hints: Sequence[Any], process: Process) -> list[Json]:
        """The hints of a step."""
        return [self._hint_or_extension(hint) for hint in without_defaults(hints, process)]

    def _tool_hints(self, process: Process, effective: Mapping[str, Any]) -> list[Json]:
        last = {str(hint.get("class")): hint for hint in own_hints(process)}
        return [self._hint_or_extension(hint) for name, hint in last.items() if name not in effective]

    def _hint_or_extension(self, hint: Any) -> Json:
        return self._extension(hint) if str(hint.get("class")) in EXTENSIONS else self._hint(hint)

    def _extension(self, node: Any) -> Json:
        name = self._names.compact(CWLTOOL + EXTENSIONS[str(node["class"])])
        return {"class": name, **{key: item for key, item in self._names.value(node).items() if key != "class"}}

    def _hint(self, hint: Any) -> Json:
        for name in sorted(_collect_keys(hint) & _FILE_NAME_FIELDS):
            self._losses.add(f"a hint has a field {name}, which Composer takes for the name of a file", hint, name)
        return self._with_list_field(self._names.hint(hint))

    def _requirement(self, node: Any, process: Process) -> Json:
        result = self._with_list_field(self._names.hint(node))
        name = result["class"]
        if name == "ResourceRequirement":
            for field, value in result.items():
                if isinstance(value, float) and not value.is_integer():
                    self._losses.add(f"{field} is {value}; CWL v1.0 takes whole numbers", node, field)
        if name == "InitialWorkDirRequirement":
            result["listing"] = self._listing(result["listing"], node, process)
        return result

    def _listing(self, listing: Json, node: Any, process: Process) -> Json:
        entries = listing if isinstance(listing, list) else [listing]
        for entry in entries:
            text = entry.get("entry") if isinstance(entry, dict) else None
            if entry is None or isinstance(entry, list):
                self._losses.add("listing has null or a list in it, which CWL v1.0 does not know", node, "listing")
            elif isinstance(entry, dict) and "entry" in entry:
                if not isinstance(text, str) or not text:
                    self._losses.add("listing has an entry that is no text, which Composer loses", node, "listing")
                elif is_written_in(process, "v1.2") and _may_be_data(text, process):
                    description = "may be a list, a number or an object; CWL v1.0 takes a text or a file"
                    self._losses.add(f"entry {_truncated(text)} {description}", node, "listing")
                if str(entry.get("entryname", "")).startswith("/"):
                    self._losses.add("entryname is an absolute path, which CWL v1.0 does not know", node, "listing")
        return [{**each, "writable": bool(each.get("writable"))} if _is_dirent(each) else each for each in entries]

    def _with_list_field(self, requirement: dict[str, Json]) -> dict[str, Json]:
        field = _LIST_FIELDS.get(str(requirement["class"]))
        return {
            "class": requirement["class"],
            **{key: item for key, item in requirement.items() if key not in ("class", "id")},
        } | ({field: requirement[field]} if field in requirement else {})

    def _defaults(self, process: Process) -> list[Json]:
        """Requirements for defaults of later versions of CWL that differ from those of v1.0."""
        if is_written_in_v1_0(process):
            return []
        requirements = []
        network, _ = process.get_requirement("NetworkAccess")
        docker, _ = process.get_requirement("DockerRequirement")
        if docker and not network:
            requirements.append(self._extension({"class": "NetworkAccess", "networkAccess": False}))
        listing = self._get_load_listing(process)
        if listing:
            requirements.append(self._extension({"class": "LoadListingRequirement", "loadListing": listing}))
        return requirements

    def _get_load_listing(self, process: Process) -> str:
        """The `loadListing` of the process's inputs, if it has to be written."""
        general, _ = process.get_requirement("LoadListingRequirement")
        default = str((general or {}).get("loadListing") or "no_listing")
        folders = [port for port in process.tool["inputs"] if _may_be_folder(port["type"], process)]
        found = {str(port.get("loadListing") or default) for port in folders}
        if len(found) > 1:
            self._losses.add("the inputs have different loadListing, and CWL v1.0 knows one for all", folders[0])
        if general and found <= {default}:
            return ""
        return next(iter(found), "")


def _disables_quoting(tool: Mapping[str, Any]) -> bool:
    return '"shellQuote": false' in json.dumps(to_builtin(tool), default=str)


def _may_be_data(entry: str, process: Process) -> bool:
    """Whether an expression may give a value that v1.2 writes as JSON: all but inputs of other types may."""
    text = entry.strip()
    whole_reference = text.startswith(("$(", "${")) and text.endswith((")", "}")) and text.count("$") == 1
    if not whole_reference:
        return False
    if _FILE_LITERAL.search(text) or text.endswith(
        (".path)", ".basename)", ".contents)", ".nameroot)", ".location)", ".dirname)", ".nameext)")
    ):
        return False
    types = {short_id(str(port["id"])): to_builtin(port["type"]) for port in process.tool["inputs"]}
    named = _INPUT_REFERENCE.fullmatch(text)
    kind = types.get(named.group(1)) if named else None
    kinds = set(kind) if isinstance(kind, list) and all(isinstance(each, str) for each in kind) else {str(kind)}
    return not kinds <= {"File", "Directory", "string", "null"}


def _truncated(text: str) -> str:
    line = " ".join(text.split())
    return shorten(line, _MAX_SHOWN_ENTRY)


def _is_dirent(item: Json) -> bool:
    return isinstance(item, dict) and ("entry" in item or "entryname" in item)


def _may_be_folder(kind: Any, process: Process) -> bool:
    text = json.dumps(to_builtin(kind), default=str)
    return any(word in text for word in ('"Directory"', '"Any"', "#"))


def _collect_keys(node: Any) -> set[str]:
    if isinstance(node, Mapping):
        return {str(key) for key in node} | {key for item in node.values() for key in _collect_keys(item)}
    return {key for item in node for key in _collect_keys(item)} if isinstance(node, list) else set()
