/** A form for an object, made from its JSON schema: what the server checks is what is asked for. */
import { useId } from "react";
import type { Fields, Value } from "../document/value";
import { Button, IconButton } from "../look/widgets";
import { DraftField } from "./DraftField";
import "./schema_form.css";

export interface Schema {
  title?: string;
  description?: string;
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: Value[];
  const?: Value;
  default?: Value;
  examples?: Value[];
  minimum?: number;
  maximum?: number;
  required?: string[];
  /** Of ours: where a field or a hint may stand. */
  places?: string[];
}

export interface SchemaFormProps {
  schema: Schema;
  value: Fields;
  /** Where the object stands: fields that do not belong there are left out. */
  place?: "workflow" | "step" | "tool";
  readOnly?: boolean;
  /** One field has another value; undefined takes it away. */
  onChange(key: string, value: Value | undefined): void;
}

export function SchemaForm({ schema, value, place, readOnly = false, onChange }: SchemaFormProps) {
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([, field]) => field.const === undefined && (!place || !field.places || field.places.includes(place)),
  );
  if (fields.length === 0) return <p className="schema-empty">There is nothing to set.</p>;
  return (
    <div className="schema-form">
      {fields.map(([key, field]) => (
        <FieldRow key={key} name={key} schema={field} value={value[key]} needed={schema.required?.includes(key) ?? false}
          readOnly={readOnly} onChange={(next) => onChange(key, next)} />
      ))}
    </div>
  );
}

interface RowProps {
  name: string;
  schema: Schema;
  value: Value | undefined;
  needed: boolean;
  readOnly: boolean;
  onChange(value: Value | undefined): void;
}

function FieldRow({ name, schema, value, needed, readOnly, onChange }: RowProps) {
  const id = useId();
  const hint = `${id}-hint`;
  return (
    <div className="schema-row">
      <label htmlFor={id}>{schema.title ?? name}{needed && <span title="needed"> *</span>}</label>
      <Control {...{ id, hint, schema, value, readOnly, onChange }} />
      {schema.description && <p id={hint}>{schema.description}</p>}
    </div>
  );
}

interface ControlProps extends Omit<RowProps, "name" | "needed"> {
  id: string;
  hint?: string;
  label?: string;
}

function Control({ id, hint, label, schema, value, readOnly, onChange }: ControlProps) {
  const common = { id, className: "field", "aria-describedby": hint, "aria-label": label };
  if (schema.type === "array") return <List {...{ id, schema, value, readOnly, onChange }} />;
  if (schema.enum || schema.type === "boolean") {
    const choices = schema.enum ?? [true, false];
    const shown = (choice: Value) => (choice === true ? "yes" : choice === false ? "no" : String(choice));
    return (
      <select {...common} disabled={readOnly} value={value === undefined ? "" : String(value)}
        onChange={(event) => onChange(choices.find((choice) => String(choice) === event.target.value))}>
        <option value="">{schema.default === undefined ? "–" : `– (${shown(schema.default)})`}</option>
        {choices.map((choice) => <option key={String(choice)} value={String(choice)}>{shown(choice)}</option>)}
      </select>
    );
  }
  const listed = schema.examples?.length ? `${id}-examples` : undefined;
  const numeric = schema.type === "integer" || schema.type === "number";
  return (
    <>
      <DraftField {...common} list={listed} readOnly={readOnly} inputMode={numeric ? "decimal" : "text"}
        placeholder={schema.default === undefined ? "" : String(schema.default)}
        value={value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)}
        onCommit={(text) => onChange(read(text, numeric))} />
      {listed && <datalist id={listed}>{schema.examples!.map((example) => <option key={String(example)} value={String(example)} />)}</datalist>}
    </>
  );
}

/** A number where one is meant; what is none stays a text, and the server's check says so. */
function read(text: string, numeric: boolean): Value | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  return numeric && Number.isFinite(Number(plain)) ? Number(plain) : plain;
}

function List({ id, schema, value, readOnly, onChange }: ControlProps) {
  const items = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  const put = (next: Value[]) => onChange(next.length ? next : undefined);
  const change = (number: number, next: Value | undefined) =>
    put(next === undefined ? items.filter((_, at) => at !== number) : items.map((item, at) => (at === number ? next : item)));
  const inner = schema.items ?? {};
  const fields = Object.entries(inner.properties ?? {});
  return (
    <div className="schema-list" id={id} role="group">
      {items.map((item, number) => (
        <div className="schema-item" key={number}>
          {fields.length > 0
            ? fields.map(([key, field]) => (
                <Control key={key} id={`${id}-${number}-${key}`} label={`${field.title ?? key} ${number + 1}`} schema={field} readOnly={readOnly}
                  value={(item as Fields | null)?.[key]} onChange={(next) => change(number, { ...(item as Fields), [key]: next ?? "" })} />
              ))
            : <Control id={`${id}-${number}`} label={`${schema.title ?? "Item"} ${number + 1}`} schema={inner} readOnly={readOnly} value={item}
                onChange={(next) => change(number, next)} />}
          {!readOnly && <IconButton name={`Take away ${number + 1}`} icon="close" onClick={() => change(number, undefined)} />}
        </div>
      ))}
      {!readOnly && (
        <Button icon="plus" className="button-small"
          onClick={() => put([...items, fields.length ? Object.fromEntries(fields.map(([key]) => [key, ""])) : ""])}>
          Add
        </Button>
      )}
    </div>
  );
}
