/** Fields of forms. Typed text is applied when the field loses the focus or at Enter; Escape restores the value. */
import { type ReactNode, useId, useState } from "react";
import { parse, stringify } from "yaml";
import { type CwlType, withoutNull, isOptional, readType, formatType } from "../document/types";
import { type Value, formatValue } from "../document/value";

interface Common {
  label: string;
  hint?: ReactNode;
  disabled?: boolean;
}

export function Row({
  label,
  hint,
  flaw,
  id,
  children,
}: {
  label: string;
  hint?: ReactNode;
  flaw?: string | undefined;
  id: string;
  children: ReactNode;
}) {
  return (
    <div className="row">
      <label htmlFor={id}>{label}</label>
      {children}
      {flaw ? (
        <p className="row-flaw" role="alert" id={`${id}-said`}>
          {flaw}
        </p>
      ) : (
        hint && (
          <p className="row-hint" id={`${id}-said`}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}

export interface TextFieldProps extends Common {
  value: string;
  onChange: (value: string) => void;
  /** A message if the text is invalid. */
  check?: ((text: string) => string | undefined) | undefined;
  lines?: number;
  mono?: boolean;
  placeholder?: string;
  suggestions?: readonly string[];
  focus?: boolean;
}

export function TextField({
  label,
  hint,
  disabled,
  value,
  onChange,
  check,
  lines,
  mono,
  placeholder,
  suggestions,
  focus,
}: TextFieldProps) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  const [flaw, setFlaw] = useState<string>();
  const [shownValue, setShownValue] = useState(value);
  if (shownValue !== value) {
    setShownValue(value);
    setTyped(value);
    setFlaw(undefined);
  }
  const take = () => {
    if (typed === value) return setFlaw(undefined);
    const wrong = check?.(typed);
    setFlaw(wrong);
    if (!wrong) onChange(typed);
  };
  const shared = {
    id,
    value: typed,
    disabled,
    placeholder,
    className: `field ${mono ? "mono" : ""} ${flaw ? "wrong" : ""}`,
    spellCheck: !mono,
    autoComplete: "off",
    autoFocus: focus,
    "aria-invalid": flaw ? true : undefined,
    "aria-describedby": flaw || hint ? `${id}-said` : undefined,
    onChange: (event: { target: { value: string } }) => setTyped(event.target.value),
    onBlur: take,
  };
  const keys = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" && typed !== value) {
      setTyped(value);
      setFlaw(undefined);
      event.stopPropagation();
    } else if (event.key === "Enter" && (!lines || event.metaKey || event.ctrlKey)) take();
  };
  return (
    <Row label={label} hint={hint} flaw={flaw} id={id}>
      {lines ? (
        <textarea {...shared} rows={Math.max(lines, Math.min(10, typed.split("\n").length))} onKeyDown={keys} />
      ) : (
        <input {...shared} list={suggestions ? `${id}-list` : undefined} onKeyDown={keys} />
      )}
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </Row>
  );
}

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
  group?: string;
}

export function SelectField({
  label,
  hint,
  disabled,
  value,
  choices,
  onChange,
}: Common & { value: string; choices: readonly Choice[]; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <Row label={label} hint={hint} id={id}>
      <select
        id={id}
        className="field"
        value={value}
        disabled={disabled}
        aria-describedby={hint ? `${id}-said` : undefined}
        onChange={(event) => onChange(event.target.value)}
      >
        <Options choices={choices} />
      </select>
    </Row>
  );
}

export function Options({ choices }: { choices: readonly Choice[] }) {
  const groups = [...new Set(choices.map((one) => one.group))];
  return groups.map((group) => {
    const options = choices
      .filter((one) => one.group === group)
      .map((one) => (
        <option key={one.value} value={one.value} disabled={one.disabled}>
          {one.label}
        </option>
      ));
    return group ? (
      <optgroup key={group} label={group}>
        {options}
      </optgroup>
    ) : (
      options
    );
  });
}

export function CheckField({
  label,
  hint,
  disabled,
  value,
  onChange,
}: Common & { value: boolean; onChange: (value: boolean) => void }) {
  const id = useId();
  return (
    <div className="row row-check">
      <input
        type="checkbox"
        id={id}
        checked={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {hint && <p className="row-hint">{hint}</p>}
    </div>
  );
}

/** A field for a value of a type: text as it is, anything else as YAML. Empty means no value. */
export function ValueField({
  label,
  hint,
  disabled,
  value,
  type,
  onChange,
}: Common & { value: Value | undefined; type: CwlType | undefined; onChange: (value: Value | undefined) => void }) {
  const kind = type ? withoutNull(type) : undefined;
  const id = useId();
  if (kind?.kind === "name" && kind.name === "boolean") {
    return (
      <Row label={label} hint={hint} id={id}>
        <select
          id={id}
          className="field"
          disabled={disabled}
          value={value === undefined || value === null ? "" : formatValue(value)}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value === "true")}
        >
          <option value="">none</option>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      </Row>
    );
  }
  const isText =
    kind?.kind === "name" &&
    kind.name === "string" &&
    (value === undefined || value === null || typeof value === "string");
  const isFile = kind?.kind === "name" && (kind.name === "File" || kind.name === "Directory");
  const path = isFile && filePath(value);
  const text =
    value === undefined || value === null
      ? ""
      : isText
        ? value
        : typeof path === "string"
          ? path
          : stringify(value, { lineWidth: 0 }).trimEnd();
  const isLong = kind?.kind === "array" || text.includes("\n");
  const take = (typed: string) => {
    if (typed.trim() === "" && !(isText && typed)) return onChange(undefined);
    if (isText) return onChange(typed);
    if (isFile && !/^[\s{]/.test(typed))
      return onChange({ class: kind.kind === "name" ? kind.name : "File", location: typed.trim() });
    onChange(parse(typed) as Value);
  };
  const check = (typed: string): string | undefined => {
    if (isText || typed.trim() === "" || (isFile && !/^[\s{]/.test(typed))) return undefined;
    try {
      return valueFlaw(parse(typed), type);
    } catch {
      return "This is no YAML value.";
    }
  };
  const placeholder = isFile
    ? "path or address"
    : kind?.kind === "array"
      ? `- one a line (${formatType(type)})`
      : formatType(type);
  return (
    <TextField
      label={label}
      hint={hint}
      disabled={disabled ?? false}
      value={text}
      onChange={take}
      check={check}
      mono={!isText}
      placeholder={placeholder}
      {...(isLong ? { lines: text ? 3 : 1 } : {})}
    />
  );
}

function filePath(value: Value | undefined): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value).filter((key) => key !== "class");
  const only = keys.length === 1 ? value[keys[0]!] : undefined;
  return typeof only === "string" && ["location", "path"].includes(keys[0]!) ? only : undefined;
}

function valueFlaw(value: unknown, type: CwlType | undefined): string | undefined {
  if (!type || value === null) return undefined;
  const kind = withoutNull(type);
  if (kind.kind === "array" && !Array.isArray(value))
    return `A list is needed (${formatType(type)}): one value a line, each after “- ”.`;
  if (kind.kind === "name" && (kind.name === "int" || kind.name === "long") && !Number.isInteger(value))
    return "A whole number is needed.";
  if (kind.kind === "name" && (kind.name === "float" || kind.name === "double") && typeof value !== "number")
    return "A number is needed.";
  if (kind.kind === "enum" && !kind.symbols.includes(formatValue(value)))
    return `One of these is needed: ${kind.symbols.join(", ")}.`;
  return undefined;
}

const KINDS = ["File", "Directory", "string", "int", "long", "float", "double", "boolean", "Any"];

/** A field for a type: a kind, a list of it, and whether it is optional; other types are edited as text. */
export function TypeField({
  label = "Type",
  value,
  disabled,
  more = [],
  onChange,
}: {
  label?: string;
  value: Value | undefined;
  disabled?: boolean;
  more?: readonly string[];
  onChange: (value: Value) => void;
}) {
  const id = useId();
  const type = readType(value);
  const inner = type && withoutNull(type);
  const item = inner?.kind === "array" ? inner.items : inner;
  const raw = typeof value === "string" ? value : "";
  const name = more.includes(raw) ? raw : item?.kind === "name" && KINDS.includes(item.name) ? item.name : undefined;
  if (type && !name) {
    const text = typeof value === "string" ? value : stringify(value, { lineWidth: 0 }).trimEnd();
    return (
      <TextField
        label={label}
        value={text}
        lines={3}
        mono
        disabled={disabled ?? false}
        onChange={(typed) => onChange(parse(typed) as Value)}
        check={(typed) => {
          try {
            return readType(parse(typed) as Value) ? undefined : "This is no type.";
          } catch {
            return "This is no YAML value.";
          }
        }}
      />
    );
  }
  const write = (kind: string, list: boolean, optional: boolean) =>
    onChange(more.includes(kind) ? kind : `${kind}${list ? "[]" : ""}${optional ? "?" : ""}`);
  const [list, optional] = [inner?.kind === "array", isOptional(type)];
  return (
    <Row label={label} id={id}>
      <div className="type-field">
        <select
          id={id}
          className="field"
          value={name ?? ""}
          disabled={disabled}
          onChange={(event) => write(event.target.value, list, optional)}
        >
          {!name && <option value="">not given</option>}
          {[...KINDS, ...more].map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
        <label className="tick">
          <input
            type="checkbox"
            checked={list}
            disabled={disabled || !name || more.includes(name)}
            onChange={(event) => write(name ?? "Any", event.target.checked, optional)}
          />
          list
        </label>
        <label className="tick">
          <input
            type="checkbox"
            checked={optional}
            disabled={disabled || !name || more.includes(name)}
            onChange={(event) => write(name ?? "Any", list, event.target.checked)}
          />
          optional
        </label>
      </div>
    </Row>
  );
}
