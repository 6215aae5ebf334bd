/** The map of the whole workflow, where some of it is out of sight. */
import { useEffect, useState } from "react";
import { getNodesBounds, MiniMap, type ReactFlowState, useStore } from "@xyflow/react";
import type { BoxNodeType } from "./BoxNode";
import type { StepStates } from "./step_states";

const SLACK = 8;

export function Overview({ states }: { states: StepStates }) {
  const hides = useStore(somethingOutOfSight);
  const [, draw] = useState(0);
  useEffect(() => (hides ? states.subscribe(() => draw((now) => now + 1)) : undefined), [hides, states]);
  if (!hides) return null;
  const colour = (node: BoxNodeType) => {
    const state = states.get(node.id)?.state;
    return state ? `var(--state-${state})` : "var(--line-strong)";
  };
  return (
    <MiniMap<BoxNodeType>
      pannable
      zoomable
      ariaLabel="Map of the workflow"
      nodeClassName={(node) => (node.data.box.open ? "map-open" : "")}
      nodeColor={colour}
      nodeStrokeWidth={0}
      nodeBorderRadius={8}
    />
  );
}

const bounds = new WeakMap<object, ReturnType<typeof getNodesBounds>>();

function somethingOutOfSight({ nodes, nodeLookup, transform: [x, y, zoom], width, height }: ReactFlowState): boolean {
  if (nodes.length < 2 || !width) return false;
  let all = bounds.get(nodes);
  if (!all) bounds.set(nodes, (all = getNodesBounds(nodes, { nodeLookup })));
  return (
    all.x * zoom + x < -SLACK ||
    all.y * zoom + y < -SLACK ||
    (all.x + all.width) * zoom + x > width + SLACK ||
    (all.y + all.height) * zoom + y > height + SLACK
  );
}
