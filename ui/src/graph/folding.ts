/** Unused optional inputs share one line until they are unfolded. */
import type { GraphNode, Port } from "./model";

export interface Ports {
  inputs: Port[];
  outputs: Port[];
  /** The inputs that can be folded; part of `inputs` only when they are unfolded. */
  quiet: Port[];
}

/** So many are shown in any case. */
const FEW = 2;

export function portsOf(node: GraphNode, unfolded: boolean): Ports {
  const { inputs, outputs } = node;
  const quiet = inputs.filter((port) => port.quiet);
  if (quiet.length <= FEW) return { inputs, outputs, quiet: [] };
  return { inputs: unfolded ? inputs : inputs.filter((port) => !port.quiet), outputs, quiet };
}

/** The lines above the outputs. */
export function inputRows({ inputs, quiet }: Ports): number {
  return inputs.length + (quiet.length ? 1 : 0);
}
