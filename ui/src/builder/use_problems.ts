/** The server's check of the text: the authoritative one, a moment after the last edit. */
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { checkDocument } from "../api/documents";
import type { Problem } from "../api/types";
import { lineOf, offsetOf } from "../document/source";
import type { State } from "./session";

const WAIT_MS = 500;

export interface ListedProblem extends Problem {
  line: number;
  column: number;
  /** The node that it is about. */
  key?: string | undefined;
}

interface Checked {
  text: string;
  problems: Problem[];
  error?: string;
}

export function useProblems(
  state: State,
  allowed: boolean,
): { problems: readonly ListedProblem[]; checking: boolean; checked: string | undefined } {
  const [checked, setChecked] = useState<Checked>();
  const { path, text } = state;
  useEffect(() => {
    if (!allowed) return;
    const aborted = new AbortController();
    const timer = setTimeout(() => {
      checkDocument(path, text, aborted.signal).then(
        ({ problems }) => setChecked({ text, problems }),
        (error: Error) => aborted.signal.aborted || setChecked({ text, problems: [], error: error.message }),
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  }, [path, text, allowed]);

  const current = checked?.text === text ? checked : undefined;
  // Positions of problems need the parsed text, for which the drawing does not wait.
  const shown = useDeferredValue(state);
  const { findings, broken, document, text: shownText } = shown;
  const problems = useMemo(
    () => listProblems({ findings, broken, document, text: shownText }, current?.problems ?? []),
    [findings, broken, document, shownText, current],
  );
  return { problems, checking: allowed && !current, checked: current?.error ?? (current ? "" : undefined) };
}

function listProblems(
  state: Pick<State, "findings" | "broken" | "document" | "text">,
  server: readonly Problem[],
): ListedProblem[] {
  if (state.broken)
    return [{ severity: "error", message: state.broken.message, ...lineOf(state, state.broken.offset) }];
  const { document } = state;
  const own = state.findings.map((one): ListedProblem => ({
    severity: one.severity,
    message: one.message,
    key: one.key,
    ...lineOf(document.source, offsetOf(document.source, one.path)),
  }));
  const steps = new Set(own.filter((one) => one.severity === "error").map((one) => one.key));
  const more = server
    .map((one): ListedProblem => ({
      ...one,
      line: one.line ?? 1,
      column: one.column ?? 1,
      key: one.step ? `step:${one.step}` : undefined,
    }))
    // Problems that are already reported for a step or line are left out.
    .filter(
      (one) =>
        !own.some(
          (other) =>
            other.severity === "error" && (other.line === one.line || (one.key !== undefined && steps.has(one.key))),
        ),
    );
  const rank = { error: 0, warning: 1, hint: 2 };
  return [...own, ...more].sort((one, other) => rank[one.severity] - rank[other.severity] || one.line - other.line);
}
