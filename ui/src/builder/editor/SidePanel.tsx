/** The panel beside the picture: the text, the state of a step of the followed run, or the form of the selection. */
import { StepPanel } from "../../view/StepPanel";
import { Inspector } from "../inspector/Inspector";
import type { InspectorProps } from "../inspector/props";
import type { ListedProblem } from "../use_problems";
import { YamlPane } from "../YamlPane";
import type { Running } from "./use_running";
import type { SidePanelState } from "./use_side_panel";

export function SidePanel({
  session,
  state,
  schema,
  only,
  problems,
  running,
  shown,
  onOpen,
  onConnect,
  nextPlace,
  standing,
}: InspectorProps & {
  /** The one node that is selected. */
  only: string | undefined;
  problems: readonly ListedProblem[];
  running: Running;
  shown: SidePanelState;
}) {
  const { following, run } = running;
  const { workflow, editable } = state;
  const { side, place } = shown;
  const node = following && only ? following.found.graph.nodes.find((node) => node.key === only) : undefined;
  return (
    <div className="builder-side">
      {side === "text" || !workflow ? (
        <YamlPane
          text={state.text}
          problems={problems}
          readOnly={!editable}
          onChange={(text) => session.type(text)}
          reveal={place}
        />
      ) : node && following ? (
        <StepPanel
          found={following.found}
          node={node}
          run={run}
          runId={following.runId}
          onClose={() => session.select(new Set())}
        />
      ) : (
        <Inspector
          session={session}
          state={state}
          schema={schema}
          onOpen={onOpen}
          onConnect={onConnect}
          nextPlace={nextPlace}
          standing={standing}
        />
      )}
    </div>
  );
}
