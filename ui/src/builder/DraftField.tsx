/** A text that counts when it is finished: at Enter, or when the focus goes on. One edit, one step to undo. */
import { type ComponentProps, useEffect, useState } from "react";

type Common = { value: string; onCommit(value: string): void };
type InputProps = Omit<ComponentProps<"input">, "value" | "onChange"> & Common & { multiline?: false };
type AreaProps = Omit<ComponentProps<"textarea">, "value" | "onChange"> & Common & { multiline: true };

export function DraftField({ value, onCommit, multiline, ...rest }: InputProps | AreaProps) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  const commit = () => {
    if (draft !== value) onCommit(draft);
  };
  const common = {
    className: "field",
    autoComplete: "off",
    spellCheck: false,
    ...rest,
    value: draft,
    onBlur: commit,
    onChange: (event: { target: { value: string } }) => setDraft(event.target.value),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === "Enter" && (!multiline || event.ctrlKey || event.metaKey)) commit();
      else if (event.key === "Escape" && draft !== value) setDraft(value);
      else return;
      event.stopPropagation();
    },
  };
  return multiline ? <textarea {...(common as ComponentProps<"textarea">)} /> : <input {...(common as ComponentProps<"input">)} />;
}
