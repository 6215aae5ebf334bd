/** A tool, in forms: what it runs, what it takes and gives, what it needs; and the command line that comes of it. */
import "./tool_editor.css";
import { hintFields, setHint } from "../document/edits";
import { docText } from "../document/process";
import { type Value, text } from "../document/value";
import { Section } from "../look/widgets";
import { CommandLine } from "./CommandLine";
import { CheckField, TextField } from "./fields";
import { type HintSchema, Hints } from "./Hints";
import type { Session, State } from "./session";
import { ToolPorts } from "./ToolPorts";
import { type Tool, commandOf, lineOf, plainArguments, setField } from "./tool_edits";

export interface ToolEditorProps {
  session: Session;
  state: State;
  schema: HintSchema | undefined;
}

export function ToolEditor({ session, state, schema }: ToolEditorProps) {
  if (!state.fields) return null;
  const tool: Tool = { path: state.process, fields: state.fields };
  const command = state.kind === "CommandLineTool";
  const common = { session, tool, editable: state.editable };
  const ports = { command, ...common };
  return (
    <div className={`tool-editor ${state.broken ? "tool-editor-old" : ""}`}>
      {command && <CommandLine path={state.path} text={state.text} />}
      <div className="tool-forms">
        <Section title="What it does">
          <Text {...common} name="label" label="Title" />
          <Text {...common} name="doc" label="Description" lines={2} />
          {command && <Command {...common} />}
          {state.kind === "ExpressionTool" && <Text {...common} name="expression" label="Expression" lines={4} mono />}
        </Section>
        <Section title="Inputs" aside={count(tool.fields["inputs"])}><ToolPorts {...ports} side="inputs" /></Section>
        <Section title="Outputs" aside={count(tool.fields["outputs"])}><ToolPorts {...ports} side="outputs" /></Section>
        {command && <Streams {...common} />}
        {command && <Needs session={session} state={state} tool={tool} editable={state.editable} />}
        <Hints session={session} state={state} schema={schema} place="tool" owner={tool} kind="" />
      </div>
    </div>
  );
}

interface PartProps {
  session: Session;
  tool: Tool;
  editable: boolean;
}

function Text({ session, tool, editable, name, label, ...rest }: PartProps & {
  name: string; label: string; lines?: number; mono?: boolean; placeholder?: string; hint?: string;
}) {
  return (
    <TextField {...rest} label={label} disabled={!editable} value={docText(tool.fields[name])}
      onChange={(value) => session.change(() => setField(tool, name, value || undefined, ["class", "id", "label"]))} />
  );
}

function Command({ session, tool, editable }: PartProps) {
  const before = tool.fields["baseCommand"];
  const plain = plainArguments(tool.fields["arguments"]);
  return (
    <>
      <TextField label="Command" mono disabled={!editable} value={lineOf(before)} placeholder="python3 script.py"
        hint="The program, and words that always follow it."
        onChange={(line) => session.change(() => setField(tool, "baseCommand", commandOf(line, before), ["class", "id", "label", "doc"]))} />
      {plain
        ? <TextField label="More arguments" mono lines={1} disabled={!editable} value={plain.join("\n")} hint="One a line; expressions such as $(runtime.cores) are worked out."
            onChange={(lines) => session.change(() => setField(tool, "arguments", argumentsOf(lines), ["baseCommand"]))} />
        : <p className="row-hint">The arguments have positions or flags of their own: edit them in the text.</p>}
    </>
  );
}

function argumentsOf(lines: string): Value | undefined {
  const words = lines.split("\n").map((line) => line.trim()).filter(Boolean);
  return words.length ? words : undefined;
}

function Streams(props: PartProps) {
  const set = ["stdin", "stdout", "stderr"].some((name) => name in props.tool.fields);
  return (
    <Section title="Standard streams" open={set}>
      <Text {...props} name="stdin" label="Read from" mono placeholder="$(inputs.table.path)" />
      <Text {...props} name="stdout" label="What it prints goes to" mono placeholder="result.txt" />
      <Text {...props} name="stderr" label="What it warns of goes to" mono placeholder="log.txt" />
    </Section>
  );
}

/** The container, and how much of the machine. Each stays where it is written, under requirements or hints. */
function Needs({ session, state, tool, editable }: PartProps & { state: State }) {
  const found = (name: string) => {
    const where = hintFields(tool.fields["hints"], name) ? ("hints" as const) : ("requirements" as const);
    return { where, fields: hintFields(tool.fields[where], name) };
  };
  const field = (name: string, key: string, label: string, more: { placeholder: string; hint?: string }) => {
    const { where, fields } = found(name);
    return (
      <TextField mono {...more} label={label} disabled={!editable} value={text(fields?.[key])}
        onChange={(value) => session.change(() => setHint(state.document.value, tool, name, { [key]: valueOf(value) }, { where }))} />
    );
  };
  const javascript = found("InlineJavascriptRequirement");
  const open = ["DockerRequirement", "ResourceRequirement", "ToolTimeLimit"].some((name) => found(name).fields);
  return (
    <Section title="What it needs" open={open}>
      {field("DockerRequirement", "dockerPull", "Container image", { placeholder: "python:3.13-slim", hint: "Without one it runs where the task runs." })}
      <div className="two">
        {field("ResourceRequirement", "coresMin", "Cores", { placeholder: "1" })}
        {field("ResourceRequirement", "ramMin", "Memory, MiB", { placeholder: "256" })}
      </div>
      {field("ToolTimeLimit", "timelimit", "Time limit, seconds", { placeholder: "none" })}
      <CheckField label="Expressions are JavaScript" disabled={!editable} value={javascript.fields !== undefined}
        onChange={(on) => session.change(() => setHint(state.document.value, tool, "InlineJavascriptRequirement", {}, { where: javascript.where, stay: on }))} />
    </Section>
  );
}

function valueOf(typed: string): Value | undefined {
  const plain = typed.trim();
  if (plain === "") return undefined;
  return Number.isFinite(Number(plain)) ? Number(plain) : plain;
}

function count(value: Value | undefined): string {
  return String(Object.keys(value ?? {}).length);
}
