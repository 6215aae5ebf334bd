/** The field for one input of a run, by its type. */
import type { CwlFile } from "../api/types";
import { FileField } from "./FileField";
import type { Answer, Field } from "./run_form";

export interface RunFieldProps {
  field: Field;
  answer: Answer;
  wrong: string | undefined;
  onAnswer: (answer: Answer) => void;
  onUpload: (file: File) => Promise<CwlFile>;
}

export function RunField({ field, answer, wrong, onAnswer, onUpload }: RunFieldProps) {
  const id = `run-${field.id}`;
  const about = `${id}-about`;
  return (
    <div className={`run-field ${wrong ? "run-field-wrong" : ""}`}>
      <label htmlFor={id}>
        {field.title}
        {field.required && (
          <span className="run-needed" title="needed">
            {" "}
            *
          </span>
        )}
        <code>{field.type.length > 32 ? field.kind : field.type}</code>
      </label>
      <Control {...{ field, answer, onAnswer, onUpload, id, about }} wrong={wrong} />
      <p id={about} className={wrong ? "run-wrong" : "run-about"}>
        {wrong ?? fieldHelp(field)}
      </p>
    </div>
  );
}

function fieldHelp(field: Field): string {
  const names = field.choices.length ? `One of these a line: ${field.choices.join(", ")}.` : "One value a line.";
  const how = { lines: names, json: "Written as JSON." }[field.kind as string];
  return [field.doc, how].filter(Boolean).join(" ");
}

function Control({
  field,
  answer,
  wrong,
  onAnswer,
  onUpload,
  id,
  about,
}: RunFieldProps & { id: string; about: string }) {
  const common = {
    id,
    className: "field",
    "aria-describedby": about,
    "aria-invalid": wrong !== undefined,
    "aria-required": field.required,
  };
  const text = Array.isArray(answer) ? "" : String(answer);
  const change = (event: { target: { value: string } }) => onAnswer(event.target.value);
  switch (field.kind) {
    case "file":
    case "directory":
    case "files":
      return (
        <FileField
          {...common}
          kind={field.kind === "directory" ? "Directory" : "File"}
          several={field.kind === "files"}
          files={Array.isArray(answer) ? answer : []}
          onFiles={onAnswer}
          onUpload={onUpload}
        />
      );
    case "boolean":
      return <Choice {...common} text={text} change={change} choices={["true", "false"]} words={["yes", "no"]} />;
    case "choice":
      return <Choice {...common} text={text} change={change} choices={field.choices} words={field.choices} />;
    case "suggested":
      return (
        <>
          <input {...common} list={`${id}-choices`} value={text} onChange={change} autoComplete="off" />
          <datalist id={`${id}-choices`}>
            {field.choices.map((choice) => (
              <option key={choice} value={choice} />
            ))}
          </datalist>
        </>
      );
    case "lines":
    case "json":
      return (
        <textarea {...common} rows={field.kind === "json" ? 4 : 3} value={text} onChange={change} spellCheck={false} />
      );
    case "whole":
    case "number":
      return (
        <input
          {...common}
          inputMode={field.kind === "whole" ? "numeric" : "decimal"}
          value={text}
          onChange={change}
          autoComplete="off"
        />
      );
    default:
      return <input {...common} value={text} onChange={change} autoComplete="off" />;
  }
}

function Choice({
  text,
  change,
  choices,
  words,
  ...common
}: {
  text: string;
  change: (event: { target: { value: string } }) => void;
  choices: string[];
  words: string[];
  id: string;
  className: string;
}) {
  return (
    <select {...common} value={text} onChange={change}>
      <option value="">–</option>
      {choices.map((choice, number) => (
        <option key={choice} value={choice}>
          {words[number]}
        </option>
      ))}
    </select>
  );
}
