/** The head of a form: the name and kind of its node, and buttons. */
import type { ReactNode } from "react";

export function FormHead({ kind, name, children }: { kind: string; name: string; children?: ReactNode }) {
  return (
    <header className="inspector-head">
      <h2 title={name}>{name}</h2>
      <span className="inspector-kind">{kind}</span>
      {children}
    </header>
  );
}
