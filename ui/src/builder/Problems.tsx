/** The list of problems, each with a link to its place. */
import { Icon } from "../look/Icon";
import type { ListedProblem } from "./use_problems";

export function Problems({
  problems,
  checking,
  checked,
  open,
  onToggle,
  onJump,
}: {
  problems: readonly ListedProblem[];
  checking: boolean;
  checked: string | undefined;
  open: boolean;
  onToggle: () => void;
  onJump: (problem: ListedProblem) => void;
}) {
  const errors = problems.filter((one) => one.severity === "error").length;
  const words =
    problems.length === 0
      ? checking
        ? "Checking…"
        : checked
          ? "The server could not check it"
          : "No problems"
      : countText(errors, problems.length - errors);
  return (
    <section className={`problems ${open && problems.length ? "problems-open" : ""}`} aria-label="Problems">
      <button type="button" className="problems-head" aria-expanded={open} onClick={onToggle}>
        <Icon name={problems.length || checked ? "warning" : checking ? "retry" : "check"} size={14} />
        <span className={errors ? "bad" : ""} role="status">
          {words}
        </span>
        {checked && <small>{checked}</small>}
        {checking && problems.length > 0 && <small>checking…</small>}
      </button>
      {open && problems.length > 0 && (
        <ul>
          {problems.map((one, index) => (
            <li key={`${index} ${one.message}`}>
              <button type="button" className={one.severity} onClick={() => onJump(one)}>
                <Icon name="warning" size={14} />
                <span>{one.message}</span>
                <small>line {one.line}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function countText(errors: number, others: number): string {
  const words = [];
  if (errors) words.push(`${errors} ${errors === 1 ? "problem" : "problems"}`);
  if (others) words.push(`${others} ${others === 1 ? "warning" : "warnings"}`);
  return words.join(", ");
}
