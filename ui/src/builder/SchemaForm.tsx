/** A form for an object, generated from the JSON schema with which the server validates it. */
import { type Fields, type Value, formatValue } from "../document/value";
import { Button, IconButton } from "../look/widgets";
import { SelectField, TextField } from "./fields";
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
  /** Our extension of the schema: where a field or a hint is allowed. */
  places?: string[];
}

export interface SchemaFormProps {
  schema: Schema;
  value: Fields;
  /** The place of the object; fields that are not allowed there are left out. */
  place?: "workflow" | "step" | "tool";
  readOnly?: boolean;
  /** Called when a field has another value; undefined removes it. */
  onChange: (key: string, value: Value | undefined) => void;
}

export function SchemaForm({ schema, value, place, readOnly = false, onChange }: SchemaFormProps) {
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([, field]) => field.const === undefined && (!place || !field.places || field.places.includes(place)),
  );
  if (fields.length === 0) return <p className="schema-empty">There is nothing to set.</p>;
  return (
    <div className="schema-form">
      {fields.map(([key, field]) => (
        <SchemaField
          key={key}
          label={`${field.title ?? key}${schema.required?.includes(key) ? " *" : ""}`}
          schema={field}
          value={value[key]}
          readOnly={readOnly}
          onChange={(next) => onChange(key, next)}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  label: string;
  schema: Schema;
  value: Value | undefined;
  readOnly: boolean;
  onChange: (value: Value | undefined) => void;
}

function SchemaField({ label, schema, value, readOnly, onChange }: FieldProps) {
  const common = { label, disabled: readOnly, hint: schema.description };
  if (schema.type === "array") return <List {...{ label, schema, value, readOnly, onChange }} />;
  if (schema.enum || schema.type === "boolean") {
    const choices = schema.enum ?? [true, false];
    const none = schema.default === undefined ? "–" : `– (${words(schema.default)})`;
    return (
      <SelectField
        {...common}
        value={value === undefined ? "" : formatValue(value)}
        choices={[
          { value: "", label: none },
          ...choices.map((choice) => ({ value: formatValue(choice), label: words(choice) })),
        ]}
        onChange={(chosen) => onChange(choices.find((choice) => formatValue(choice) === chosen))}
      />
    );
  }
  const numeric = schema.type === "integer" || schema.type === "number";
  return (
    <TextField
      {...common}
      {...(schema.examples?.length ? { suggestions: schema.examples.map(String) } : {})}
      placeholder={schema.default === undefined ? "" : formatValue(schema.default)}
      value={value === undefined || value === null ? "" : formatValue(value)}
      onChange={(typed) => onChange(read(typed, numeric))}
    />
  );
}

function words(choice: Value): string {
  return choice === true ? "yes" : choice === false ? "no" : formatValue(choice);
}

/** A number if the text is one; any other text stays a text, which the server's check reports. */
function read(text: string, numeric: boolean): Value | undefined {
  const plain = text.trim();
  if (plain === "") return undefined;
  return numeric && Number.isFinite(Number(plain)) ? Number(plain) : plain;
}

function List({ label, schema, value, readOnly, onChange }: FieldProps) {
  const items = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  const put = (next: Value[]) => onChange(next.length ? next : undefined);
  const change = (number: number, next: Value | undefined) =>
    put(
      next === undefined
        ? items.filter((_, at) => at !== number)
        : items.map((item, at) => (at === number ? next : item)),
    );
  const inner = schema.items ?? {};
  const fields = Object.entries(inner.properties ?? {});
  return (
    <fieldset className="schema-list">
      <legend>{label}</legend>
      {schema.description && <p className="row-hint">{schema.description}</p>}
      {items.map((item, number) => (
        <div className="schema-item" key={number}>
          {fields.length > 0 ? (
            fields.map(([key, field]) => (
              <SchemaField
                key={key}
                label={`${field.title ?? key} ${number + 1}`}
                schema={field}
                readOnly={readOnly}
                value={(item as Fields | null)?.[key]}
                onChange={(next) => change(number, { ...(item as Fields), [key]: next ?? "" })}
              />
            ))
          ) : (
            <SchemaField
              label={`Item ${number + 1}`}
              schema={inner}
              readOnly={readOnly}
              value={item}
              onChange={(next) => change(number, next)}
            />
          )}
          {!readOnly && (
            <IconButton name={`Take away ${number + 1}`} icon="close" onClick={() => change(number, undefined)} />
          )}
        </div>
      ))}
      {!readOnly && (
        <Button
          icon="plus"
          className="button-small"
          onClick={() => put([...items, fields.length ? Object.fromEntries(fields.map(([key]) => [key, ""])) : ""])}
        >
          Add
        </Button>
      )}
    </fieldset>
  );
}
