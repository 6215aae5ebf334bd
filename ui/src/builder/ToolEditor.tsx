/** Forms for a tool: its command, inputs, outputs and requirements; and the resulting command line. */
import "./tool_editor.css";
import { docText } from "../document/process";
import type { Value } from "../document/value";
import { Section } from "../look/widgets";
import { CommandLine } from "./CommandLine";
import { TextField } from "./fields";
import { type HintSchema, Hints } from "./Hints";
import type { Session, State } from "./session";
import { ToolArguments } from "./ToolArguments";
import { ToolNeeds } from "./ToolNeeds";
import { ToolPorts } from "./ToolPorts";
import { type Tool, commandOf, lineOf, setField } from "./tool_edits";

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
        <Section title="Inputs" aside={count(tool.fields["inputs"])}>
          <ToolPorts {...ports} side="inputs" />
        </Section>
        <Section title="Outputs" aside={count(tool.fields["outputs"])}>
          <ToolPorts {...ports} side="outputs" />
        </Section>
        {command && <Streams {...common} />}
        {command && <ToolNeeds session={session} state={state} tool={tool} />}
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

function Text({
  session,
  tool,
  editable,
  name,
  label,
  ...rest
}: PartProps & {
  name: string;
  label: string;
  lines?: number;
  mono?: boolean;
  placeholder?: string;
  hint?: string;
}) {
  return (
    <TextField
      {...rest}
      label={label}
      disabled={!editable}
      value={docText(tool.fields[name])}
      onChange={(value) => session.change(() => setField(tool, name, value || undefined, ["class", "id", "label"]))}
    />
  );
}

function Command({ session, tool, editable }: PartProps) {
  const before = tool.fields["baseCommand"];
  return (
    <>
      <TextField
        label="Command"
        mono
        disabled={!editable}
        value={lineOf(before)}
        placeholder="python3 script.py"
        hint="The program, and words that always follow it."
        onChange={(line) =>
          session.change(() => setField(tool, "baseCommand", commandOf(line, before), ["class", "id", "label", "doc"]))
        }
      />
      <ToolArguments session={session} tool={tool} editable={editable} />
    </>
  );
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

function count(value: Value | undefined): string {
  return String(Object.keys(value ?? {}).length);
}
