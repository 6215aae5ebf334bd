/** The arguments of a tool's command line besides its inputs: texts, expressions, parts for a shell. */
import { text } from "../document/value";
import { Button, IconButton } from "../look/widgets";
import { CheckField, TextField } from "./fields";
import type { Session } from "./session";
import { type Tool, addArgument, argumentsOf, removeArgument, setArgument } from "./tool_edits";
import { positionFlaw, positionOf } from "./position";

export function ToolArguments({ session, tool, editable }: { session: Session; tool: Tool; editable: boolean }) {
  const all = argumentsOf(tool);
  return (
    <fieldset className="tool-arguments">
      <legend>More arguments</legend>
      {all.map((argument, index) => {
        const put = (key: string, value: string | number | boolean | undefined) =>
          session.change(() => setArgument(tool, index, { [key]: value }));
        const common = { mono: true, disabled: !editable };
        return (
          <div className="tool-argument" key={index}>
            <TextField
              {...common}
              label={`Value ${index + 1}`}
              value={text(argument["valueFrom"])}
              onChange={(value) => put("valueFrom", value)}
            />
            <TextField
              {...common}
              label="Flag"
              placeholder="--name"
              value={text(argument["prefix"])}
              onChange={(value) => put("prefix", value || undefined)}
            />
            <TextField
              {...common}
              label="Position"
              placeholder="0"
              value={text(argument["position"])}
              check={positionFlaw}
              onChange={(value) => put("position", positionOf(value))}
            />
            <CheckField
              label="Quoted"
              disabled={!editable}
              value={argument["shellQuote"] !== false}
              onChange={(on) => put("shellQuote", on ? undefined : false)}
            />
            {editable && (
              <IconButton
                name={`Remove argument ${index + 1}`}
                icon="close"
                onClick={() => session.change(() => removeArgument(tool, index))}
              />
            )}
          </div>
        );
      })}
      {editable && (
        <Button icon="plus" onClick={() => session.change(() => addArgument(tool, "--option"))}>
          Add an argument
        </Button>
      )}
      <p className="row-hint">
        Expressions such as $(runtime.cores) are worked out. Unquoted pieces are for a tool that a shell runs.
      </p>
    </fieldset>
  );
}
