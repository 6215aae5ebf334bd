/** The fields of one input, output or step, whichever way it is written. */
import { parseKey } from "../graph";
import type { Item } from "../items";
import type { Change, Value } from "../value";
import { type Workflow, stepOf } from "../workflow";

export function itemOfKey(workflow: Workflow, key: string): Item | undefined {
  const named = parseKey(key);
  if (!named) return undefined;
  if (named.kind === "input") return workflow.inputs.find((one) => one.id === named.id);
  if (named.kind === "output") return workflow.outputs.find((one) => one.item.id === named.id)?.item;
  return stepOf(workflow, named.id)?.item;
}

/** Sets fields of an item; a short form is expanded. `undefined` removes a field. */
export function setFields(item: Item, main: string, fields: { [key: string]: Value | undefined }): Change[] {
  if (item.short) {
    const whole = { ...item.fields, ...fields };
    const kept = Object.entries(whole).filter(
      (entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== null,
    );
    // A short form of an output of a step is its name; one of another thing is its type, source or tool.
    return [{ do: "set", path: item.path, value: onlyMain(kept, main, item) }];
  }
  return Object.entries(fields).flatMap(([key, value]): Change[] => {
    const path = [...item.path, key];
    if (value !== undefined) return [{ do: "set", path, value }];
    return key in item.fields ? [{ do: "delete", path }] : [];
  });
}

function onlyMain(fields: [string, Value][], main: string, item: Item): Value {
  return fields.length === 1 && fields[0]![0] === main && typeof item.path.at(-1) === "string"
    ? fields[0]![1]
    : Object.fromEntries(fields);
}
