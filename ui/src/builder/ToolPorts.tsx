/** The inputs or outputs of a tool: a card for each, with its binding to the command line. */
import { type Item, nameError } from "../document/items";
import { setFields } from "../document/edits";
import { docText } from "../document/process";
import { readType, formatType } from "../document/types";
import { type Change, list, text } from "../document/value";
import { Button } from "../look/widgets";
import { CheckField, TextField, TypeField, ValueField } from "./fields";
import { positionFlaw, positionOf } from "./position";
import type { Session } from "./session";
import { type Side, type Tool, addPort, bindingOf, portsOf, removePort, renamePort, setBinding } from "./tool_edits";

interface PortsProps {
  session: Session;
  tool: Tool;
  side: Side;
  editable: boolean;
  /** Whether there is a command line: expression tools have none. */
  command: boolean;
}

export function ToolPorts({ session, tool, side, editable, command }: PortsProps) {
  const ports = portsOf(tool, side);
  const one = side === "inputs" ? "input" : "output";
  const fields =
    side === "inputs"
      ? { type: "string", ...(command ? { inputBinding: { position: ports.length + 1 } } : {}) }
      : { type: "File", ...(command ? { outputBinding: { glob: "*.txt" } } : {}) };
  return (
    <div className="tool-ports">
      {ports.map((item) => (
        <PortCard key={item.id} {...{ session, tool, side, editable, command, item }} />
      ))}
      {editable && (
        <Button icon="plus" onClick={() => session.change(() => addPort(tool, side, one, fields))}>
          Add an {one}
        </Button>
      )}
    </div>
  );
}

function PortCard({ session, tool, side, editable, command, item }: PortsProps & { item: Item }) {
  const disabled = !editable;
  const change = (changes: Change[]) => session.change(() => changes);
  const set = (name: string, value: string) => change(setFields(item, "type", { [name]: value || undefined }));
  const type = readType(item.fields["type"]);
  return (
    <details className="tool-port">
      <summary>
        <strong>{item.id}</strong>
        <code>{type ? formatType(type) : text(item.fields["type"]) || "no type"}</code>
        <span className="tool-port-how">{how(item, side)}</span>
      </summary>
      <div className="tool-port-body">
        <TextField
          label="Name"
          mono
          disabled={disabled}
          value={item.id}
          check={(id) => flawOf(tool, item, id)}
          onChange={(id) => change(renamePort(tool, side, item, id))}
        />
        <TypeField
          value={item.fields["type"]}
          disabled={disabled}
          more={side === "outputs" ? ["stdout", "stderr"] : ["stdin"]}
          onChange={(value) => change(setFields(item, "type", { type: value }))}
        />
        {command &&
          (side === "inputs" ? (
            <InputBinding {...{ item, disabled, change }} />
          ) : (
            <OutputBinding {...{ item, disabled, change }} />
          ))}
        {side === "inputs" && (
          <ValueField
            label="Default"
            disabled={disabled}
            value={item.fields["default"]}
            type={type}
            onChange={(value) => change(setFields(item, "type", { default: value }))}
          />
        )}
        <TextField
          label="Label"
          disabled={disabled}
          value={text(item.fields["label"])}
          onChange={(value) => set("label", value)}
        />
        <TextField
          label="Description"
          lines={2}
          disabled={disabled}
          value={docText(item.fields["doc"])}
          onChange={(value) => set("doc", value)}
        />
        {editable && (
          <Button icon="trash" look="danger" onClick={() => change(removePort(tool, side, item))}>
            Remove {item.id}
          </Button>
        )}
      </div>
    </details>
  );
}

interface BindingProps {
  item: Item;
  disabled: boolean;
  change: (changes: Change[]) => void;
}

function InputBinding({ item, disabled, change }: BindingProps) {
  const there = "inputBinding" in item.fields;
  const binding = bindingOf(item, "inputs");
  const put = (name: string, value: string | number | boolean | undefined) =>
    change(setBinding(item, "inputs", { [name]: value }, true));
  return (
    <>
      <CheckField
        label="On the command line"
        disabled={disabled}
        value={there}
        onChange={(on) =>
          change(on ? setBinding(item, "inputs", {}, true) : setFields(item, "type", { inputBinding: undefined }))
        }
      />
      {there && (
        <>
          <div className="two">
            <TextField
              label="Flag"
              mono
              disabled={disabled}
              placeholder="--name"
              value={text(binding["prefix"])}
              onChange={(value) => put("prefix", value || undefined)}
            />
            <TextField
              label="Position"
              mono
              disabled={disabled}
              placeholder="0"
              value={text(binding["position"])}
              check={positionFlaw}
              onChange={(value) => put("position", positionOf(value))}
            />
          </div>
          <CheckField
            label="Flag and value are two words"
            disabled={disabled}
            value={binding["separate"] !== false}
            onChange={(apart) => put("separate", apart ? undefined : false)}
          />
          <div className="two">
            <TextField
              label="Between items of a list"
              mono
              disabled={disabled}
              placeholder="one word each"
              value={text(binding["itemSeparator"])}
              onChange={(value) => put("itemSeparator", value || undefined)}
            />
            <TextField
              label="Value from"
              mono
              disabled={disabled}
              placeholder="$(self.path)"
              value={text(binding["valueFrom"])}
              onChange={(value) => put("valueFrom", value || undefined)}
            />
          </div>
        </>
      )}
    </>
  );
}

function OutputBinding({ item, disabled, change }: BindingProps) {
  const binding = bindingOf(item, "outputs");
  if (["stdout", "stderr"].includes(text(item.fields["type"])))
    return <p className="row-hint">What the command writes to {text(item.fields["type"])}.</p>;
  const globs = list(binding["glob"]).map((one) => text(one));
  return (
    <>
      <TextField
        label="Found at"
        mono
        disabled={disabled}
        lines={globs.length > 1 ? 2 : 1}
        placeholder="result.csv, *.png"
        value={globs.join("\n")}
        hint="A file name or pattern in the folder that the command runs in; several, one a line."
        onChange={(value) => {
          const next = value
            .split("\n")
            .map((line) => line.trim())
            .filter(Boolean);
          change(setBinding(item, "outputs", { glob: next.length > 1 ? next : next[0] }));
        }}
      />
      <TextField
        label="Value from"
        mono
        disabled={disabled}
        placeholder="$(self[0].contents)"
        value={text(binding["outputEval"])}
        onChange={(value) => change(setBinding(item, "outputs", { outputEval: value || undefined }))}
      />
      <CheckField
        label="Read what is in the file"
        disabled={disabled}
        value={binding["loadContents"] === true}
        onChange={(on) => change(setBinding(item, "outputs", { loadContents: on || undefined }))}
      />
    </>
  );
}

/** A short description of the binding. */
function how(item: Item, side: Side): string {
  const binding = bindingOf(item, side);
  if (side === "outputs")
    return list(binding["glob"])
      .map((one) => text(one))
      .join(", ");
  if (!("inputBinding" in item.fields)) return "";
  return (
    [text(binding["prefix"]), binding["position"] === undefined ? "" : `at ${text(binding["position"])}`]
      .filter(Boolean)
      .join(" ") || "by its name"
  );
}

function flawOf(tool: Tool, item: Item, id: string): string | undefined {
  const taken = [...portsOf(tool, "inputs"), ...portsOf(tool, "outputs")].some(
    (other) => other.id === id && other.path.join() !== item.path.join(),
  );
  return nameError(id) ?? (taken ? `${id} is there already; take another name.` : undefined);
}
