/** The page: the line above, the picture, the panel beside it. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import "./view.css";
import type { DagGraph } from "../api/types";
import { type Graph, type GraphHandle, type GraphNode, WorkflowGraph } from "../graph";
import { Spinner } from "../look/widgets";
import { Help } from "./Help";
import { StepPanel } from "./StepPanel";
import { Toolbar } from "./Toolbar";
import { ErrorNotice } from "./ErrorNotice";
import { useGraph } from "./use_graph";
import { useRun } from "./use_run";

const NOTHING: ReadonlySet<string> = new Set();

export function App({ dagId, runId, first }: { dagId: string; runId: string | undefined; first: Promise<DagGraph> }) {
  const { found, error, again } = useGraph(dagId, runId, first);
  const following = useRun(dagId, runId);
  if (!found) {
    if (error) return <ErrorNotice error={error} dagId={dagId} runId={runId} again={again} whole />;
    return (
      <div className="view-alone">
        <Spinner>Loading the workflow…</Spinner>
      </div>
    );
  }
  return <View found={found} runId={runId} following={following} />;
}

function View({
  found,
  runId,
  following,
}: {
  found: DagGraph;
  runId: string | undefined;
  following: ReturnType<typeof useRun>;
}) {
  const { run, error, again } = following;
  const [selection, setSelection] = useState(NOTHING);
  const [help, setHelp] = useState(false);
  const handle = useRef<GraphHandle>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const nodes = useMemo(() => new Map(allNodes(found.graph)), [found]);
  const chosen = selection.size === 1 ? nodes.get([...selection][0]!) : undefined;
  const close = useCallback(() => setSelection(NOTHING), []);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest?.("input, textarea, select");
      if (event.key === "Escape" && !typing) close();
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      searchField.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [close]);

  useEffect(() => {
    document.title = found.title;
  }, [found]);

  const states = run?.steps ?? (runId === undefined ? undefined : NO_STATES);
  return (
    <div className="view">
      <Toolbar
        found={found}
        run={run}
        handle={handle}
        searchField={searchField}
        onHelp={() => setHelp(true)}
        onFound={(key) => {
          handle.current?.reveal(key);
          setSelection(new Set([key]));
        }}
      />
      <main className="view-main">
        <div className="view-graph">
          <WorkflowGraph
            ref={handle}
            graph={found.graph}
            states={states}
            selection={selection}
            onSelect={setSelection}
            label={`The workflow ${found.title}`}
            empty="This workflow has no steps, inputs or outputs."
          />
          {error && <ErrorNotice error={error} dagId={found.dag_id} runId={runId} again={again} />}
        </div>
        {chosen && <StepPanel found={found} node={chosen} run={run} runId={runId} onClose={close} />}
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

const NO_STATES = {};

function* allNodes(graph: Graph): Iterable<[string, GraphNode]> {
  for (const node of graph.nodes) {
    yield [node.key, node];
    if (node.inside) yield* allNodes(node.inside);
  }
}
