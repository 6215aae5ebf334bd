/** Requirements, and the version of CWL, that an edit needs. */
import type { Change } from "../value";
import type { Workflow } from "../workflow";
import { addHint, hintPath } from "./hints";

export function requirement(workflow: Workflow, name: string): Change[] {
  const now = workflow.fields["requirements"];
  const path = [...workflow.place.process, "requirements"];
  return hintPath(now, path, name) ? [] : addHint(now, path, name, {});
}

export function newVersion(workflow: Workflow): Change[] {
  if (workflow.version !== "v1.0" && workflow.version !== "v1.1") return [];
  return [{ do: "set", path: ["cwlVersion"], value: "v1.2" }];
}

/** More than a reference to a parameter is JavaScript. */
export function forExpression(workflow: Workflow, expression: string): Change[] {
  const simple = /^\$\(\s*(inputs|self|runtime)(\.\w+|\[\d+\]|\['[^']*'\]|\["[^"]*"\])*\s*\)$/;
  const parts = expression.match(/\$\([^]*?\)|\$\{[^]*\}/g) ?? [];
  const isSimple = parts.length === 0 || simple.test(expression) || parts.every((part) => simple.test(part));
  return isSimple ? [] : requirement(workflow, "InlineJavascriptRequirement");
}
