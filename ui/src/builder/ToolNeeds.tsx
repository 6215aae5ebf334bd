/** The requirements of a tool: container, resources, time, variables, shell. Each stays where it is written. */
import { hintFields, setHint } from "../document/edits";
import { type Fields, type Value, text } from "../document/value";
import { Section } from "../look/widgets";
import { CheckField, TextField } from "./fields";
import type { Session, State } from "./session";
import { type Tool, linesOfVariables, variablesFlaw, variablesOf } from "./tool_edits";

export function ToolNeeds({ session, state, tool }: { session: Session; state: State; tool: Tool }) {
  const disabled = !state.editable;
  const found = (name: string): { where: "hints" | "requirements"; fields: Fields | undefined } => {
    const where = hintFields(tool.fields["hints"], name) ? "hints" : "requirements";
    return { where, fields: hintFields(tool.fields[where], name) };
  };
  const put = (name: string, fields: { [key: string]: Value | undefined }, stay = false) =>
    session.change((now) => setHint(now.document.value, tool, name, fields, { where: found(name).where, stay }));
  const field = (name: string, key: string, label: string, placeholder: string, hint?: string) => (
    <TextField
      mono
      label={label}
      hint={hint}
      placeholder={placeholder}
      disabled={disabled}
      value={text(found(name).fields?.[key])}
      onChange={(typed) => put(name, { [key]: valueOf(typed) })}
    />
  );
  const is = (name: string, label: string) => (
    <CheckField
      label={label}
      disabled={disabled}
      value={found(name).fields !== undefined}
      onChange={(on) => put(name, {}, on)}
    />
  );
  const variables = found("EnvVarRequirement").fields?.["envDef"];
  const open = NAMES.some((name) => found(name).fields);
  return (
    <Section title="What it needs" open={open}>
      {field(
        "DockerRequirement",
        "dockerPull",
        "Container image",
        "python:3.13-slim",
        "Without one it runs where the task runs.",
      )}
      <div className="two">
        {field("ResourceRequirement", "coresMin", "Cores", "1")}
        {field("ResourceRequirement", "ramMin", "Memory, MiB", "256")}
      </div>
      {field("ToolTimeLimit", "timelimit", "Time limit, seconds", "none")}
      <TextField
        label="Environment variables"
        mono
        lines={2}
        disabled={disabled}
        placeholder="NAME=value"
        value={linesOfVariables(variables)}
        check={variablesFlaw}
        onChange={(lines) => put("EnvVarRequirement", { envDef: variablesOf(lines, variables) })}
      />
      {is("ShellCommandRequirement", "A shell runs the command")}
      {is("InlineJavascriptRequirement", "Expressions are JavaScript")}
      <CheckField
        label="It may use the network"
        disabled={disabled || state.fields?.["cwlVersion"] === "v1.0"}
        hint={state.fields?.["cwlVersion"] === "v1.0" ? "In v1.0 every tool may." : undefined}
        value={state.fields?.["cwlVersion"] === "v1.0" || found("NetworkAccess").fields?.["networkAccess"] === true}
        onChange={(on) => put("NetworkAccess", { networkAccess: on || undefined })}
      />
      {found("InitialWorkDirRequirement").fields && (
        <p className="row-hint">
          Files are put into its folder first (InitialWorkDirRequirement): edit them in the text.
        </p>
      )}
    </Section>
  );
}

const NAMES = [
  "DockerRequirement",
  "ResourceRequirement",
  "ToolTimeLimit",
  "EnvVarRequirement",
  "ShellCommandRequirement",
  "NetworkAccess",
];

function valueOf(typed: string): Value | undefined {
  const plain = typed.trim();
  if (plain === "") return undefined;
  return Number.isFinite(Number(plain)) ? Number(plain) : plain;
}
