/** The drawing of the workflow, and edits in it by mouse. */
import type { RefObject } from "react";
import { type GraphHandle, WorkflowGraph } from "../../graph";
import type { StepState } from "../../graph/model";
import { fitOf, removeKeys } from "../actions";
import type { DocumentLibrary } from "../library";
import type { Session, State } from "../session";
import type { Editing } from "./use_editing";

export function Picture({
  session,
  state,
  library,
  states,
  handle,
  editing,
  onEnter,
}: {
  session: Session;
  state: State;
  library: DocumentLibrary;
  states: Readonly<Record<string, StepState>> | undefined;
  handle: RefObject<GraphHandle | null>;
  editing: Editing;
  onEnter: () => void;
}) {
  const { editable } = state;
  return (
    <div className="builder-graph">
      <WorkflowGraph
        ref={handle}
        graph={state.graph}
        states={states}
        selection={state.selection}
        onSelect={(keys) => session.select(keys)}
        editable={editable && !state.broken}
        onMove={editing.move}
        onConnect={editing.onConnect}
        canConnect={(from, to) => fitOf(session.state.workflow, from, to)}
        onDelete={(keys) => removeKeys(session, keys, session.state.graph.edges)}
        onDrop={(path, position) => {
          const entry = library.entry(path);
          if (entry) editing.add(entry, position);
        }}
        onEnter={onEnter}
        label={`The workflow ${state.path}`}
        empty={
          editable ? (
            <p className="empty-note">
              Drag a tool in from the left, or press <kbd>/</kbd>, search, and press Enter.
            </p>
          ) : (
            "This workflow has no steps."
          )
        }
      />
    </div>
  );
}
