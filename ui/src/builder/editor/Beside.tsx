/** Beside the picture: the text, how a step of the followed run gets on, or the form of what is selected. */
import { StepPanel } from "../../view/StepPanel";
import { Inspector } from "../inspector/Inspector";
import type { InspectorProps } from "../inspector/props";
import type { Listed } from "../use_check";
import { YamlPane } from "../YamlPane";
import type { Running } from "./use_running";
import type { Shown } from "./use_side";

export function Beside({
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
  problems: readonly Listed[];
  running: Running;
  shown: Shown;
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
