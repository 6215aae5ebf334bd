/** One box of the picture: an input, an output, a step, or a step whose workflow is open. */
import { memo, useContext } from "react";
import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { Icon, type IconName } from "../look/Icon";
import { isActive, stateWord } from "../look/states";
import { duration, seconds, useNow } from "../look/time";
import { GraphContext } from "./graph_context";
import type { GraphNode, Port, StepState } from "./model";
import type { Box } from "./picture";
import { isArray, portKind, shortType } from "./port_kinds";
import { useStepState } from "./step_states";

export type BoxNodeType = Node<{ box: Box }, "box">;

const KINDS: Record<string, IconName> = {
  CommandLineTool: "tool",
  ExpressionTool: "expression",
  Workflow: "workflow",
  Operation: "operation",
  "": "tool",
};

export const BoxNode = memo(function BoxNode({ data: { box }, selected }: NodeProps<BoxNodeType>) {
  return box.node.kind === "step" ? (
    <StepBox box={box} selected={selected} />
  ) : (
    <EndBox box={box} selected={selected} />
  );
});

function EndBox({ box, selected }: { box: Box; selected: boolean }) {
  const { node } = box;
  const port = node.inputs[0] ?? node.outputs[0] ?? { id: node.id, type: "" };
  const { kind } = node;
  return (
    <div
      className={`end end-${kind} kind-${portKind(port.type)} ${selected ? "selected" : ""} ${node.problem ? "wrong" : ""}`}
      title={node.doc}
    >
      {kind === "output" && <Dot node={node.key} port={port} side="left" />}
      <span className="end-icon">
        <Icon name={kind === "input" ? "input" : "output"} size={14} />
      </span>
      <Label
        node={node}
        selected={selected}
        words={`${kind === "input" ? "Input" : "Output"} ${node.label}, ${port.type}`}
      />
      <span className="end-type" title={port.type}>
        {shortType(port.type) || "–"}
      </span>
      {kind === "input" && <Dot node={node.key} port={port} side="right" />}
    </div>
  );
}

function StepBox({ box, selected }: { box: Box; selected: boolean }) {
  const { node, open } = box;
  const { live, toggle } = useContext(GraphContext);
  const state = useStepState(node.key);
  const word = state?.state ?? (live ? "none" : undefined);
  const names = ["step", selected && "selected", open && "opened", node.problem && "wrong", word && `state-${word}`];
  return (
    <div className={names.filter(Boolean).join(" ")}>
      <div className="step-head" title={node.problem ?? node.doc}>
        <span className="step-icon">
          <Icon name={KINDS[node.tool?.kind ?? ""] ?? "tool"} size={15} />
        </span>
        <Label node={node} selected={selected} words={accessibleName(node, state)} />
        {state && state.retries > 0 && (
          <span className="step-retries" title={`${state.retries} ${state.retries === 1 ? "retry" : "retries"}`}>
            <Icon name="retry" size={12} />
            {state.retries}
          </span>
        )}
        {node.inside && (
          <button
            type="button"
            className="step-toggle nodrag"
            aria-expanded={open}
            tabIndex={-1}
            onClick={(event) => {
              event.stopPropagation();
              toggle(node.key);
            }}
            aria-label={`${open ? "Close" : "Open"} the workflow of ${node.label}`}
            title={open ? "Close (o)" : "Open in place (o)"}
          >
            <Icon name={open ? "fold" : "unfold"} size={14} />
          </button>
        )}
        <span className="step-line">
          {word ? <Progress word={word} state={state} /> : <span className="step-tool">{toolName(node)}</span>}
          {node.fused && !node.loop && (
            <span className="step-fused" title="All of it runs in one task">
              one task
            </span>
          )}
        </span>
      </div>
      {!!node.scatter?.length && <Scatter node={node} state={state} />}
      {node.when && (
        <div className="step-when" title={`${node.loop ? "Repeats while" : "Runs only when"} ${node.when}`}>
          <Icon name={node.loop ? "retry" : "when"} size={13} />
          <span>{node.when}</span>
          {node.loop && iterations(state) > 0 && <span className="loop-count">{iterations(state)} times</span>}
        </div>
      )}
      <div className={open ? "ports ports-apart" : "ports"}>
        <div className="ports-in">
          {box.inputs.map((port) => (
            <PortRow key={port.id} node={node.key} port={port} side="left" />
          ))}
          {!!box.quiet.length && <MoreRow box={box} />}
        </div>
        <div className="ports-out">
          {box.outputs.map((port) => (
            <PortRow key={port.id} node={node.key} port={port} side="right" />
          ))}
        </div>
      </div>
    </div>
  );
}

function Label({ node, selected, words }: { node: GraphNode; selected: boolean; words: string }) {
  return (
    <div
      className="box-label"
      role="button"
      tabIndex={-1}
      aria-pressed={selected}
      aria-label={words}
      data-key={node.key}
      title={node.label}
    >
      {node.label}
    </div>
  );
}

function Progress({ word, state }: { word: string; state: StepState | undefined }) {
  const now = useNow(word === "running");
  const length = duration(seconds(state?.start, state?.end, now));
  return (
    <>
      <span className="step-state">
        <i className="state-dot" />
        {stateWord(word)}
      </span>
      {length && word !== "skipped" && <span className="step-time">{length}</span>}
    </>
  );
}

function Scatter({ node, state }: { node: GraphNode; state: StepState | undefined }) {
  const counts = Object.entries(state?.counts ?? {}).filter(([, count]) => count > 0);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const done = (state?.counts.success ?? 0) + (state?.counts.skipped ?? 0);
  const failed = state?.failed ?? [];
  const over = node.scatter!.join(", ");
  return (
    <div
      className={`step-scatter ${failed.length ? "has-failed" : ""}`}
      title={`Scatters over ${over}${node.scatterMethod ? `, ${node.scatterMethod}` : ""}`}
    >
      <Icon name={failed.length ? "warning" : "scatter"} size={13} />
      <span className="scatter-over">
        {failed.length ? `${failed[0]!.label}${failed.length > 1 ? ` + ${failed.length - 1}` : ""}` : over}
      </span>
      {all > 0 && (
        <span className="scatter-count">
          {done}/{all}
        </span>
      )}
      {all > 0 && (
        <span className="scatter-bar" aria-hidden="true">
          {counts.map(([each, count]) => (
            <i key={each} className={`fill-${each}`} style={{ flexGrow: count }} />
          ))}
        </span>
      )}
    </div>
  );
}

function PortRow({ node, port, side }: { node: string; port: Port; side: "left" | "right" }) {
  return (
    <div
      className={`port kind-${portKind(port.type)}`}
      title={`${port.id}: ${port.type || "type not known"}${port.doc ? `\n${port.doc}` : ""}`}
    >
      <Dot node={node} port={port} side={side} />
      <span className="port-name">{port.id}</span>
      {port.scattered && (
        <span className="port-scattered">
          <Icon name="scatter" size={11} />
        </span>
      )}
      <span className="port-type">{shortType(port.type)}</span>
    </div>
  );
}

/** The line for unused optional inputs. */
function MoreRow({ box: { node, quiet, inputs } }: { box: Box }) {
  const { fold } = useContext(GraphContext);
  const folded = !inputs.includes(quiet[0]!);
  const names = quiet.map((port) => port.id);
  return (
    <button
      type="button"
      className="port port-more nodrag"
      tabIndex={-1}
      aria-expanded={!folded}
      title={folded ? `${names.join(", ")} (o)` : "Fold (o)"}
      aria-label={folded ? `Show ${quiet.length} more inputs of ${node.label}` : `Show fewer inputs of ${node.label}`}
      data-node={node.key}
      data-quiet={folded ? JSON.stringify(names) : undefined}
      onClick={(event) => {
        event.stopPropagation();
        fold(node.key);
      }}
    >
      <Icon name={folded ? "unfold" : "fold"} size={11} />
      <span className="port-name">{folded ? `${quiet.length} more` : "fewer"}</span>
    </button>
  );
}

function Dot({ node, port, side }: { node: string; port: Port; side: "left" | "right" }) {
  const { editable, ports } = useContext(GraphContext);
  const shape = `dot dot-${side} ${isArray(port.type) || port.scattered ? "dot-list" : ""}`;
  // React Flow's own handles each subscribe to the whole graph.
  if (!editable || !ports) return <i className={shape} />;
  const left = side === "left";
  return (
    <Handle
      type={left ? "target" : "source"}
      position={left ? Position.Left : Position.Right}
      id={port.id}
      className={shape}
      data-node={node}
      data-port={port.id}
    />
  );
}

/** How often the step of a loop has run. */
function iterations(state: StepState | undefined): number {
  return state?.counts.success ?? 0;
}

function toolName(node: GraphNode): string {
  return node.tool
    ? [node.tool.hint, node.tool.name || (node.tool.hint ? "" : node.tool.kind)].filter(Boolean).join(" · ")
    : "";
}

function accessibleName(node: GraphNode, state: StepState | undefined): string {
  const words = [`Step ${node.label}`];
  if (node.inside) words.push("a workflow");
  if (node.scatter?.length) words.push(`scatters over ${node.scatter.join(", ")}`);
  if (node.loop) words.push("a loop");
  else if (node.when) words.push("with a condition");
  if (node.fused && !node.loop) words.push("in one task");
  if (node.problem) words.push(`problem: ${node.problem}`);
  if (state) {
    words.push(stateWord(state.state));
    const counts = Object.entries(state.counts).filter(([, count]) => count > 0);
    if (counts.length > 1 || (counts[0]?.[1] ?? 0) > 1)
      words.push(...counts.map(([each, count]) => `${count} ${stateWord(each).toLowerCase()}`));
    if (isActive(state.state) && state.retries) words.push(`${state.retries} retries`);
    if (state.failed?.length)
      words.push(
        `failed at ${state.failed
          .map((each) => each.label)
          .slice(0, 3)
          .join(", ")}`,
      );
  }
  return words.join(", ");
}
