/** Reads the workflows that steps run, so that they can be opened in place. */
import { useEffect, useRef } from "react";
import { readDocument } from "../../api/documents";
import { Document } from "../../document/document";
import type { Value } from "../../document/value";
import type { Graph } from "../../graph";
import type { Session } from "../session";

export function useSubworkflows(graph: Graph, session: Session, onRead: (path: string, value: Value) => void): void {
  const asked = useRef(new Set<string>());
  useEffect(() => {
    const { workflow, library } = session.state;
    for (const step of workflow?.steps ?? []) {
      const path = step.found?.path;
      if (!path || step.face?.kind !== "Workflow" || library.has(path) || asked.current.has(path)) continue;
      asked.current.add(path);
      readValue(path).then(
        (value) => onRead(path, value),
        () => undefined,
      );
    }
  }, [graph, session, onRead]);
}

async function readValue(path: string): Promise<Value> {
  return Document.open((await readDocument(path)).text).value;
}
