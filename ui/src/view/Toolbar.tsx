/** The line above the picture. */
import type { ReactNode, RefObject } from "react";
import type { DagGraph, RunState } from "../api/types";
import type { GraphHandle, StepState, TaskState } from "../graph";
import { STATES, isActive, stateWord } from "../look/states";
import { duration, seconds, useNow } from "../look/time";
import { Button, IconButton, Menu, StateBadge } from "../look/widgets";
import { Search } from "./Search";
import { isOver } from "./use_run";

export function Toolbar({
  found,
  run,
  handle,
  searchField,
  onFound,
  onHelp,
}: {
  found: DagGraph;
  run: RunState | undefined;
  handle: RefObject<GraphHandle | null>;
  searchField: RefObject<HTMLInputElement | null>;
  onFound: (key: string) => void;
  onHelp: () => void;
}) {
  const nested = found.graph.nodes.some((node) => node.inside);
  const save = (form: "svg" | "png") => async () => {
    const { save } = await import("../graph/export");
    const { picture, places } = handle.current!.drawn();
    await save(form, { picture, places, states: run?.steps, name: found.dag_id });
  };
  return (
    <header className="toolbar">
      <h1 title={found.doc ?? found.title}>{found.title}</h1>
      {run ? <RunFacts run={run} /> : <Facts found={found} />}
      <span className="toolbar-room" />
      <Search graph={found.graph} onFound={onFound} ref={searchField} />
      {nested && (
        <>
          <IconButton name="Open all sub-workflows" icon="unfold" onClick={() => handle.current?.openAll(true)} />
          <IconButton name="Close all sub-workflows" icon="fold" onClick={() => handle.current?.openAll(false)} />
        </>
      )}
      <Menu
        name="Export"
        icon="download"
        look="quiet"
        items={[
          { name: "Picture as SVG", icon: "download", run: () => void save("svg")() },
          { name: "Picture as PNG", icon: "download", run: () => void save("png")() },
        ]}
      />
      <IconButton name="Keys" icon="help" onClick={onHelp} />
      {found.can_edit && found.path != null && (
        <Button icon="edit" onClick={() => location.assign(`builder.html?document=${encodeURIComponent(found.path!)}`)}>
          Edit
        </Button>
      )}
    </header>
  );
}

function Facts({ found }: { found: DagGraph }): ReactNode {
  const { nodes } = found.graph;
  const steps = nodes.filter((node) => node.kind === "step").length;
  return (
    <span className="toolbar-facts">
      {steps} {steps === 1 ? "step" : "steps"}
    </span>
  );
}

function RunFacts({ run }: { run: RunState }) {
  const now = useNow(!isOver(run.state));
  const length = duration(seconds(run.start ?? undefined, run.end ?? undefined, now));
  const counts = countSteps(
    Object.entries(run.steps)
      .filter(([key]) => !key.includes("/"))
      .map(([, state]) => state),
  );
  return (
    <div className="toolbar-run" role="status" aria-label="State of the run">
      <StateBadge state={run.state} />
      {length && <span className="toolbar-facts">{length}</span>}
      <span className="toolbar-counts">
        {STATES.filter((state) => counts[state]).map((state) => (
          <span
            key={state}
            className={`count state-${state}`}
            title={`${counts[state]} ${stateWord(state).toLowerCase()}`}
          >
            <i className={`state-dot ${isActive(state) ? "moving" : ""}`} />
            {counts[state]} {stateWord(state).toLowerCase()}
          </span>
        ))}
      </span>
    </div>
  );
}

function countSteps(states: readonly StepState[]): Partial<Record<TaskState, number>> {
  const counts: Partial<Record<TaskState, number>> = {};
  for (const { state } of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
