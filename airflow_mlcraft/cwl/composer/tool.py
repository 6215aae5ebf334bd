"""A CommandLineTool or an ExpressionTool in Composer's form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cwltool.process import Process

from airflow_mlcraft.cwl.composer.losses import Losses
from airflow_mlcraft.cwl.composer.names import Names, is_extension, is_valid_id, short_id
from airflow_mlcraft.cwl.composer.requirements import (
    JAVASCRIPT,
    SHELL,
    RequirementWriter,
    has_expressions,
    is_written_in,
)
from airflow_mlcraft.cwl.composer.types import TypeWriter
from airflow_mlcraft.cwl.nodes import in_document_order, to_builtin
from airflow_mlcraft.cwl.plan import Json

_COPIED_FIELDS = ("successCodes", "temporaryFailCodes", "permanentFailCodes", "stdin", "stdout", "stderr", "expression")
_OTHER_FIELDS = {
    "class", "id", "label", "doc", "cwlVersion", "inputs", "outputs", "requirements", "hints", "baseCommand",
    "arguments", "$namespaces", "$schemas",
}  # fmt: skip
_PORT_FIELDS = {"id", "type", "label", "doc", "streamable", "format", "default", "inputBinding", "outputBinding"}
_EXPRESSION = re.compile(r"^\s*\$[({].*[)}]\s*$|\$\([^()]*\)|\$\{[^{}]*\}", re.DOTALL)
_GENERATED_NAME = re.compile(r"[0-9a-f]{40}")
"""The name that cwltool generates for a stream without one."""


class ToolForm:
    """Writes one tool."""

    def __init__(self, process: Process, names: Names, losses: Losses):
        self._process = process
        self._tool = process.tool
        self._names = names
        self._losses = losses
        self._types = TypeWriter(process, names, losses)
        self._needs_javascript = False
        self._in_shell = process.get_requirement(SHELL)[0] is not None

    def fields(self) -> dict[str, Json]:
        """The fields other than those that every process has."""
        if self._tool["class"] not in ("CommandLineTool", "ExpressionTool"):
            self._losses.add(f"{self._tool['class']} is a class of CWL v1.2, which Composer does not know", self._tool)
        self._check_later_features()
        fields: dict[str, Json] = {}
        if self._tool.get("baseCommand") is not None:
            command = self._names.value(self._tool["baseCommand"])
            fields["baseCommand"] = command if isinstance(command, list) else [command]
        fields["inputs"] = [self._input(port) for port in in_document_order(self._tool["inputs"])]
        fields["outputs"] = [self._output(port) for port in in_document_order(self._tool["outputs"])]
        if self._tool.get("arguments"):
            fields["arguments"] = [self._argument(each) for each in self._tool["arguments"]]
        for field in _COPIED_FIELDS:
            if self._tool.get(field) not in (None, []) and not self._is_generated(field):
                fields[field] = self._names.value(self._tool[field])
        fields.update(RequirementWriter(self._names, self._losses).tool_fields(self._process))
        if self._needs_javascript and not any(each["class"] == JAVASCRIPT for each in fields.get("requirements", ())):
            fields["requirements"] = [*fields.get("requirements", ()), {"class": JAVASCRIPT}]
        for field in self._tool:
            if field not in _OTHER_FIELDS and field not in _COPIED_FIELDS and not is_extension(field):
                self._losses.add(
                    f"{field} is a field of CWL v1.2, which Composer does not know",
                    self._tool,
                    field,
                    harmless=field == "intent",
                )
        return fields

    def _input(self, port: Mapping[str, Any]) -> Json:
        fields = self._port(port)
        if port.get("streamable") is not None:
            fields["streamable"] = port["streamable"]
        if port.get("inputBinding") is not None:
            fields["inputBinding"] = self._binding(port["inputBinding"], fields["id"])
        if port.get("loadContents"):
            # In v1.0 it is a part of the binding, whose other fields must then add nothing to the command.
            without_command = {"valueFrom": "$(null)"} if self._tool["class"] == "CommandLineTool" else {}
            fields["inputBinding"] = {**fields.get("inputBinding", without_command), "loadContents": True}
        self._secondary_files(port, fields, required_by_default=True)
        return fields

    def _output(self, port: Mapping[str, Any]) -> Json:
        fields = self._port(port)
        if port.get("streamable"):
            fields["streamable"] = port["streamable"]
        binding = self._names.value(port.get("outputBinding") or {})
        for stream in ("stdout", "stderr"):
            if self._is_generated(stream) and binding.get("glob") == self._tool[stream]:
                return {**fields, "type": stream}
        if isinstance(binding.get("glob"), list):
            binding["glob"] = self._one_glob(binding["glob"], port)
        if binding.pop("loadListing", None) not in (None, "no_listing"):
            self._losses.add(f"loadListing of the output {fields['id']} is not in CWL v1.0", port, "outputBinding")
        if binding:
            fields["outputBinding"] = binding
        self._secondary_files(port, fields, required_by_default=False)
        return fields

    def _port(self, port: Mapping[str, Any]) -> dict[str, Json]:
        name = short_id(str(port["id"]))
        if not is_valid_id(name):
            self._losses.add(f"{name!r} is no id to Composer; rename it, of letters, digits and _", port, "id")
        fields: dict[str, Json] = {"id": name, "type": self._types.port_type(name, port["type"])}
        fields.update(label_and_doc(port))
        for field in ("default", "format"):
            if port.get(field) is not None:
                fields[field] = self._names.value(port[field]) if field == "default" else self._format(port[field])
        return {**fields, **self._names.extras(port)}

    def _format(self, given: Any) -> Json:
        return [self._format(each) for each in given] if isinstance(given, list) else self._names.compact(str(given))

    def _binding(self, binding: Any, name: str) -> dict[str, Json]:
        result: dict[str, Json] = self._names.value(binding)
        if isinstance(result.get("position"), str):
            self._losses.add(f"position of {name} is an expression, which CWL v1.0 does not know", binding, "position")
        unquoted = result.get("shellQuote") is False and not self._in_shell
        for field, default in (("separate", True), ("shellQuote", True), ("loadContents", False)):
            # Composer would add ShellCommandRequirement, without which shellQuote has no meaning.
            if result.get(field) is default or (field == "shellQuote" and unquoted):
                del result[field]
        if result.get("valueFrom") == "":
            self._losses.add(f"valueFrom of {name} is empty, which Composer loses", binding, "valueFrom")
        return result

    def _argument(self, given: Any) -> Json:
        if isinstance(given, str):
            if not given:
                self._losses.add("an argument is empty, which Composer loses", self._tool, "arguments")
            return str(given)
        return self._binding(given, "an argument")

    def _one_glob(self, globs: list[Json], port: Mapping[str, Any]) -> Json:
        if len(globs) == 1:
            return globs[0]
        if has_expressions(globs):
            name = short_id(str(port["id"]))
            self._losses.add(
                f"glob of {name} is a list with expressions; Composer keeps one pattern", port, "outputBinding"
            )
        self._needs_javascript = True
        return f"$({json.dumps(globs)})"

    def _secondary_files(self, port: Mapping[str, Any], fields: dict[str, Json], *, required_by_default: bool) -> None:
        listed = port.get("secondaryFiles")
        if not listed:
            return
        patterns = secondary_files(port, listed, self._losses, required_by_default=required_by_default)
        if not _is_file(fields["type"]) and not required_by_default:
            self._losses.add(
                f"secondaryFiles of {fields['id']}, which is no File, are lost by Composer",
                port,
                "secondaryFiles",
            )
        fields["secondaryFiles"] = patterns

    def _is_generated(self, field: str) -> bool:
        return field in ("stdout", "stderr") and _GENERATED_NAME.fullmatch(str(self._tool.get(field))) is not None

    def _check_later_features(self) -> None:
        text = json.dumps(to_builtin({k: v for k, v in self._tool.items() if k != "doc"}), default=str)
        if "runtime.exitCode" in text:
            self._losses.add("runtime.exitCode is not in CWL v1.0", self._tool)
        if is_written_in(self._process, "v1.2") and any(
            map(_has_escaped_expression, _iter_texts(to_builtin(self._tool)))
        ):
            self._losses.add("a backslash beside an expression means something else in CWL v1.0", self._tool)
        for port in (*self._tool["inputs"], *self._tool["outputs"]):
            for field in port:
                if field not in _PORT_FIELDS | {"secondaryFiles", "loadContents", "loadListing"} and not is_extension(
                    field
                ):
                    self._losses.add(f"{field} of {short_id(str(port['id']))} is not in CWL v1.0", port, field)


def secondary_files(port: Mapping[str, Any], listed: Any, losses: Losses, *, required_by_default: bool) -> list[Json]:
    """The secondary files as patterns only: in v1.0 those of inputs are required, and those of outputs are not."""
    patterns = []
    for each in listed if isinstance(listed, list) else [listed]:
        pattern, required = (each.get("pattern"), each.get("required")) if isinstance(each, Mapping) else (each, None)
        if required not in (None, required_by_default):
            word = "must be there" if required_by_default else "may be missing"
            name = short_id(str(port["id"]))
            losses.add(
                f"secondaryFiles {pattern} of {name} has required: {required}; in CWL v1.0 it {word}",
                port,
                "secondaryFiles",
            )
        patterns.append(str(pattern))
    return patterns


def label_and_doc(node: Mapping[str, Any]) -> dict[str, Json]:
    """Label and doc; the doc as one text."""
    fields: dict[str, Json] = {}
    if node.get("label"):
        fields["label"] = str(node["label"])
    if node.get("doc"):
        doc = to_builtin(node["doc"])
        fields["doc"] = "\n".join(map(str, doc)) if isinstance(doc, list) else str(doc)
    return fields


def _iter_texts(node: Json) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _iter_texts(item)


def _has_escaped_expression(text: str) -> bool:
    """Whether a text with a backslash outside of its expressions has an expression."""
    return has_expressions(text) and "\\" in _EXPRESSION.sub("", text)


def _is_file(kind: Json) -> bool:
    inner = kind[1] if isinstance(kind, list) and kind[:1] == ["null"] else kind
    if isinstance(inner, dict):
        return inner.get("items") == "File"
    return isinstance(inner, str) and inner.rstrip("?[]") in ("File", "stdout", "stderr")
