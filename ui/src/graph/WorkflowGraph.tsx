/** A workflow as a picture to look at, or to edit: the one drawing of both pages. */
import { type ReactNode, type Ref, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import {
  applyNodeChanges, Background, BackgroundVariant, type Connection, ConnectionMode, type Edge, type NodeChange, type OnConnectStartParams,
  Position as Side, ReactFlow, type ReactFlowInstance, ReactFlowProvider, SelectionMode, ViewportPortal,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./graph.css";
import { Icon } from "../look/Icon";
import { Map as Overview } from "./Map";
import { BoxNode, type BoxNodeType } from "./BoxNode";
import { GraphContext } from "./graph_context";
import { lightUp, putOut } from "./fits";
import { parentKeys } from "./keys";
import type { Graph, GraphEdge, Position, StepState } from "./model";
import { neighbour, type Direction } from "./neighbour";
import { type Picture, picture } from "./picture";
import { StepStates, StepStatesContext } from "./step_states";
import { inPlane, Wires } from "./Wires";

export type End = GraphEdge["from"];
/** What dropping a connection on a port would do. */
export type Fit = "fits" | "scatters" | undefined;

export interface WorkflowGraphProps {
  graph: Graph;
  states?: Readonly<Record<string, StepState>> | undefined;
  /** Keys of nodes and edges. */
  selection: ReadonlySet<string>;
  onSelect(keys: ReadonlySet<string>): void;
  /** Enter, or a double click on a node. */
  onEnter?(key: string): void;
  editable?: boolean;
  /** Middles of nodes, in the document's measure and whole numbers: what belongs into `sbg:x` and `sbg:y`. */
  onMove?(moves: readonly Move[]): void;
  onConnect?(from: End, to: End): void;
  canConnect?(from: End, to: End): Fit;
  onDelete?(keys: readonly string[]): void;
  /** A document has been dropped, dragged with the type `DRAGGED`. */
  onDrop?(path: string, position: Position): void;
  /** What is said where there is nothing to draw. */
  empty?: ReactNode;
  label?: string;
  ref?: Ref<GraphHandle>;
}

export interface Move {
  key: string;
  position: Position;
}

export interface GraphHandle {
  fit(keys?: readonly string[]): void;
  zoom(factor: number): void;
  /** Open what hides a node, bring it to the middle, and give it the focus. */
  reveal(key: string): void;
  openAll(open: boolean): void;
  /** Where each of the outermost nodes would stand in a tidy picture, for `onMove` to be written. */
  tidied(): Move[];
  /** Where each of the outermost nodes stands. */
  standing(): Move[];
  /** The middle of what is seen, in the document's measure. */
  middle(): Position;
  /** What is drawn, and where. */
  drawn(): { picture: Picture; places: Map<string, Position> };
}

export const DRAGGED = "application/x-mlcraft-document";
const TYPES = { box: BoxNode };
const ARROWS: Record<string, Direction> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const FIT = { padding: 0.08, maxZoom: 1 };
/** Below this zoom names are drawn large, and ports not at all; sooner where there is much to draw. */
const FAR = { few: 0.3, many: 0.42 };
const MANY = 80;
const READABLE = 0.55;
const NO_KEYS: ReadonlySet<string> = new Set();
const MULTIPLE = ["Meta", "Control", "Shift"];

export function WorkflowGraph(props: WorkflowGraphProps) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

function Drawing(props: WorkflowGraphProps) {
  const { graph, selection, onSelect, editable = false, ref } = props;
  const latest = useRef(props);
  latest.current = props;
  const frame = useRef<HTMLDivElement>(null);
  const flow = useRef<ReactFlowInstance<BoxNodeType> | null>(null);

  const states = useStates(props.states);
  const [opened, setOpened] = useState<ReadonlySet<string>>(NO_KEYS);
  const justOpened = useRef<string>(undefined);
  const toggle = useCallback((key: string) => {
    justOpened.current = key;
    setOpened((now) => toggled(now, key));
  }, []);
  const { drawn, standing } = usePicture(graph, opened, editable);
  const [far, setFar] = useState(drawn.boxes.length > MANY);
  const live = props.states !== undefined;
  const shared = useMemo(() => ({ editable, ports: !far, live, toggle }), [editable, far, live, toggle]);
  const [nodes, setNodes] = useState<BoxNodeType[]>(() => toNodes(drawn, [], selection, editable));
  const shown = useRef({ drawn, selection });
  let current = nodes;
  if (shown.current.drawn !== drawn || shown.current.selection !== selection) {
    // While rendering: an effect would show one frame of the old picture first.
    const moved = shown.current.drawn !== drawn;
    shown.current = { drawn, selection };
    current = moved ? toNodes(drawn, nodes, selection, editable) : select(nodes, selection);
    setNodes(current);
  }
  const places = useMemo(
    () => inPlane(current.map(({ id, parentId, position }) => ({ key: id, ...position, ...(parentId === undefined ? {} : { parent: parentId }) }))),
    [current],
  );

  const [hovered, setHovered] = useState<string>();

  const onNodesChange = useCallback((changes: NodeChange<BoxNodeType>[]) => {
    const { selection, onSelect } = latest.current;
    const chosen = changes.filter((change) => change.type === "select");
    if (chosen.length) {
      const next = new Set(selection);
      for (const change of chosen) if (change.selected) next.add(change.id);
      for (const change of chosen) if (!change.selected) next.delete(change.id);
      if (!same(next, selection)) onSelect(next);
    }
    const placed = changes.filter((change) => change.type === "position");
    if (placed.length) setNodes((now) => applyNodeChanges(placed, now));
  }, []);

  const told = useCallback((moved: readonly BoxNodeType[]) => {
    const moves = moved.filter((node) => node.parentId === undefined).map((node) => standing.told(node));
    if (moves.length) latest.current.onMove?.(moves);
  }, [standing]);

  const seenWhole = useRef(true);
  const showAll = useCallback(() => {
    seenWhole.current = true;
    void flow.current?.fitView({ ...FIT, duration: motion() });
  }, []);

  const center = useCallback((key: string, zoomIn: boolean) => {
    const box = shown.current.drawn.boxes.find((each) => each.key === key);
    const place = box && inPlane(shown.current.drawn.boxes).get(key);
    if (!box || !place || !flow.current) return;
    seenWhole.current = false;
    const zoom = zoomIn ? Math.max(flow.current.getZoom(), 0.8) : flow.current.getZoom();
    void flow.current.setCenter(place.x + box.width / 2, place.y + Math.min(box.height / 2, 200), { zoom, duration: motion() });
  }, []);

  const hides = useCallback((key: string) => {
    const box = shown.current.drawn.boxes.find((each) => each.key === key);
    const seen = frame.current?.getBoundingClientRect();
    if (!box || !seen || !flow.current) return false;
    const { x, y } = inPlane(shown.current.drawn.boxes).get(key)!;
    const [from, to] = [flow.current.flowToScreenPosition({ x, y }), flow.current.flowToScreenPosition({ x: x + box.width, y: y + box.height })];
    return from.x < seen.left || from.y < seen.top || to.x > seen.right || to.y > seen.bottom;
  }, []);

  // Where all was seen, all is still seen; elsewhere what has just been opened.
  useEffect(() => {
    const key = justOpened.current;
    justOpened.current = undefined;
    if (key === undefined) return;
    if (seenWhole.current) showAll();
    else if (hides(key)) void flow.current?.fitView({ nodes: [{ id: key }], padding: 0.12, maxZoom: flow.current.getZoom(), duration: motion() });
  }, [drawn, hides, showAll]);

  // Beside a panel that opens, all is still seen where all was seen, and what the panel is about in any case.
  useEffect(() => {
    const watcher = new ResizeObserver(() => {
      // After React Flow's own watcher.
      requestAnimationFrame(() => {
        const [key] = latest.current.selection;
        const about = latest.current.selection.size === 1 ? key : undefined;
        const whole = seenWhole.current;
        if (whole && (about === undefined || readable(shown.current.drawn, frame.current!))) void flow.current?.fitView(FIT);
        else if (about !== undefined && hides(about)) center(about, false);
        seenWhole.current = whole;
      });
    });
    watcher.observe(frame.current!);
    return () => watcher.disconnect();
  }, [hides, center]);

  const revealing = useRef<string>(undefined);
  useLayoutEffect(() => {
    const key = revealing.current;
    if (key === undefined || !drawn.boxes.some((box) => box.key === key)) return;
    revealing.current = undefined;
    center(key, true);
    requestAnimationFrame(() => focusOn(frame.current, key));
  });

  useImperativeHandle(ref, () => ({
    fit: (keys) => (keys ? void flow.current?.fitView({ ...FIT, duration: motion(), nodes: keys.map((id) => ({ id })) }) : showAll()),
    zoom: (factor) => void flow.current?.zoomTo(flow.current.getZoom() * factor, { duration: motion() }),
    reveal: (key) => {
      revealing.current = key;
      setOpened((now) => new Set([...now, ...parentKeys(key)]));
    },
    openAll: (open) => {
      setOpened(open ? new Set(insides(latest.current.graph)) : NO_KEYS);
      requestAnimationFrame(showAll);
    },
    tidied: () => standing.tidied(latest.current.graph),
    standing: () => standing.all(),
    middle: () => {
      const at = frame.current!.getBoundingClientRect();
      return standing.measured(flow.current!.screenToFlowPosition({ x: at.x + at.width / 2, y: at.y + at.height / 2 }));
    },
    drawn: () => ({ picture: shown.current.drawn, places: inPlane(shown.current.drawn.boxes) }),
  }), [standing, showAll]);

  const zoom = (way: "zoomIn" | "zoomOut") => {
    seenWhole.current = false;
    void flow.current?.[way]({ duration: motion() });
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    const key = target.dataset.key;
    const direction = ARROWS[event.key];
    if (direction && editable && event.altKey && selection.size) {
      const step = event.shiftKey ? 50 : 10;
      const by = { left: { x: -step, y: 0 }, right: { x: step, y: 0 }, up: { x: 0, y: -step }, down: { x: 0, y: step } }[direction];
      told(current.filter((node) => selection.has(node.id)).map((node) => ({ ...node, position: { x: node.position.x + by.x, y: node.position.y + by.y } })));
    } else if (direction && !event.altKey) {
      const next = neighbour(drawn, places, key, direction);
      if (next !== undefined) focusOn(frame.current, next);
    } else if ((event.key === "Enter" || event.key === " ") && key !== undefined) {
      onSelect(event.shiftKey || event.ctrlKey || event.metaKey ? toggled(selection, key) : new Set([key]));
      if (event.key === "Enter") props.onEnter?.(key);
    } else if (event.key === "o" && key !== undefined && !event.ctrlKey && !event.metaKey) {
      if (drawn.boxes.some((box) => box.key === key && box.node.inside)) toggle(key);
    } else if ((event.key === "Delete" || event.key === "Backspace") && editable && selection.size) {
      props.onDelete?.([...selection]);
    } else if (event.key === "Escape" && selection.size) {
      onSelect(NO_KEYS);
    } else if (event.key === "+" || event.key === "=") {
      zoom("zoomIn");
    } else if (event.key === "-" && !event.ctrlKey) {
      zoom("zoomOut");
    } else if (event.key === "0" && !event.ctrlKey) {
      showAll();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const onFocus = (event: React.FocusEvent) => {
    const key = (event.target as HTMLElement).dataset.key;
    if (key === undefined) return;
    for (const other of frame.current!.querySelectorAll<HTMLElement>('[data-key][tabindex="0"]')) other.tabIndex = -1;
    (event.target as HTMLElement).tabIndex = 0;
    const [seen, at] = [frame.current!.getBoundingClientRect(), (event.target as HTMLElement).getBoundingClientRect()];
    const visible = at.left >= seen.left && at.right <= seen.right && at.top >= seen.top && at.bottom <= seen.bottom;
    if (!visible && (event.target as HTMLElement).matches(":focus-visible")) center(key, false);
  };

  // One box can be reached by Tab; the arrows lead on from there.
  useLayoutEffect(() => {
    if (frame.current?.querySelector('[data-key][tabindex="0"]')) return;
    const first = frame.current?.querySelector<HTMLElement>("[data-key]");
    if (first) first.tabIndex = 0;
  }, [drawn]);

  const dragged = useRef(told);
  dragged.current = told;
  // React Flow draws every box again where one of these is another function than before.
  const heard = useMemo(() => ({
    onInit: (instance: ReactFlowInstance<BoxNodeType>) => {
      flow.current = instance;
      setFar(isFar(shown.current.drawn, instance.getZoom()));
    },
    onViewportChange: ({ zoom }: { zoom: number }) => setFar(isFar(shown.current.drawn, zoom)),
    onMove: (event: unknown) => {
      if (event) seenWhole.current = false;
    },
    onNodeMouseEnter: (_: unknown, node: BoxNodeType) => setHovered(node.id),
    onNodeMouseLeave: () => setHovered(undefined),
    onNodeDragStop: (_: unknown, __: unknown, moved: BoxNodeType[]) => dragged.current(moved),
    onNodeDoubleClick: (_: unknown, node: BoxNodeType) => latest.current.onEnter?.(node.id),
    onPaneClick: () => {
      if (latest.current.selection.size) latest.current.onSelect(NO_KEYS);
    },
    isValidConnection: (link: Connection | Edge) => !!latest.current.canConnect?.(...ends(link)),
    onConnectStart: (_: unknown, { nodeId, handleId, handleType }: OnConnectStartParams) => {
      if (nodeId === null || handleId === null || !frame.current) return;
      lightUp(frame.current, { node: nodeId, port: handleId }, handleType === "source", (from, to) => latest.current.canConnect?.(from, to));
    },
    onConnectEnd: () => {
      if (frame.current) putOut(frame.current);
    },
    onConnect: (link: Connection) => latest.current.onConnect?.(...ends(link)),
  }), []);

  const onEdge = useMemo(() => editable ? (key: string, add: boolean) => {
    const { selection, onSelect } = latest.current;
    onSelect(add ? toggled(selection, key) : new Set([key]));
  } : undefined, [editable]);

  return (
    <GraphContext value={shared}>
      <StepStatesContext value={states}>
        <div ref={frame} className={`graph ${far ? "far" : ""} ${editable ? "editable" : ""}`} role="group" aria-label={props.label ?? "Workflow"}
          onKeyDown={onKeyDown} onFocus={onFocus}
          onDragOver={(event) => {
            if (!props.onDrop || !event.dataTransfer.types.includes(DRAGGED)) return;
            event.preventDefault();
            event.dataTransfer.dropEffect = "copy";
          }}
          onDrop={(event) => {
            const path = event.dataTransfer.getData(DRAGGED);
            if (!path || !props.onDrop || !flow.current) return;
            event.preventDefault();
            props.onDrop(path, standing.measured(flow.current.screenToFlowPosition({ x: event.clientX, y: event.clientY })));
          }}>
          <ReactFlow<BoxNodeType>
            nodes={current} edges={[]} nodeTypes={TYPES} onNodesChange={onNodesChange}
            {...heard}
            fitView fitViewOptions={FIT} minZoom={0.03} maxZoom={2}
            nodesDraggable={editable} nodesConnectable={editable} nodesFocusable={false} elementsSelectable
            elevateNodesOnSelect={false} zIndexMode="manual" selectNodesOnDrag={false} nodeDragThreshold={3} zoomOnDoubleClick={false} deleteKeyCode={null}
            selectionKeyCode={editable ? "Shift" : null} multiSelectionKeyCode={editable ? MULTIPLE : null}
            selectionMode={SelectionMode.Partial} disableKeyboardA11y connectionMode={ConnectionMode.Strict} connectionRadius={28}
            panOnScroll={false} proOptions={{ hideAttribution: true }}
          >
            <Background variant={BackgroundVariant.Dots} gap={22} size={1.4} color="var(--dots)" />
            <ViewportPortal>
              <Wires picture={drawn} places={places} selection={selection} hovered={hovered} onSelect={onEdge} />
            </ViewportPortal>
            <Overview states={states} />
            <div className="graph-buttons" role="group" aria-label="Zoom">
              <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => zoom("zoomIn")}><Icon name="plus" /></button>
              <button type="button" title="Zoom out (-)" aria-label="Zoom out" onClick={() => zoom("zoomOut")}><Icon name="minus" /></button>
              <button type="button" title="Show all (0)" aria-label="Show all" onClick={showAll}><Icon name="fit" /></button>
            </div>
          </ReactFlow>
          {!drawn.boxes.length && props.empty && <div className="graph-empty">{props.empty}</div>}
        </div>
      </StepStatesContext>
    </GraphContext>
  );
}

function isFar({ boxes }: Picture, zoom: number): boolean {
  return zoom < (boxes.length > MANY ? FAR.many : FAR.few);
}

/** Whether names can be read where all is shown. */
function readable({ boxes }: Picture, frame: HTMLElement): boolean {
  const outer = boxes.filter((box) => box.parent === undefined);
  const [left, top] = [Math.min(...outer.map((box) => box.x)), Math.min(...outer.map((box) => box.y))];
  const [right, bottom] = [Math.max(...outer.map((box) => box.x + box.width)), Math.max(...outer.map((box) => box.y + box.height))];
  return Math.min(frame.clientWidth / (right - left), frame.clientHeight / (bottom - top)) > READABLE;
}

function useStates(given: Readonly<Record<string, StepState>> | undefined): StepStates {
  const [states] = useState(() => {
    const made = new StepStates();
    made.set(given ?? {});
    return made;
  });
  useLayoutEffect(() => states.set(given ?? {}), [states, given]);
  return states;
}

/** Where nodes stand, in the document's measure, beside what is drawn. */
class Standing {
  constructor(private readonly drawn: Picture) {}

  measured({ x, y }: Position): Position {
    return { x: Math.round(x / this.drawn.scale.x), y: Math.round(y / this.drawn.scale.y) };
  }

  told(node: BoxNodeType): Move {
    const { box } = node.data;
    const { width, height } = box;
    return { key: box.key, position: this.measured({ x: node.position.x + width / 2, y: node.position.y + height / 2 }) };
  }

  all(): Move[] {
    return this.drawn.boxes.filter((box) => box.parent === undefined).map(({ key, x, y, width, height }) => ({
      key, position: this.measured({ x: x + width / 2, y: y + height / 2 }),
    }));
  }

  tidied(graph: Graph): Move[] {
    const bare = { ...graph, nodes: graph.nodes.map(({ position: _, ...node }) => node) };
    const tidied = picture(bare, { opened: NO_KEYS });
    return tidied.boxes.map(({ key, x, y, width, height }) => ({ key, position: this.measured({ x: x + width / 2, y: y + height / 2 }) }));
  }
}

/** The picture of the graph; while it is edited, nodes stay where they are unless the document moves them. */
function usePicture(graph: Graph, opened: ReadonlySet<string>, editable: boolean): { drawn: Picture; standing: Standing } {
  const before = useRef<{ written: Map<string, Position | undefined>; kept: Map<string, Position>; scale: Position }>(undefined);
  return useMemo(() => {
    const last = editable ? before.current : undefined;
    const keep = last && new Map(last.kept);
    if (last && keep) {
      for (const { key, position } of graph.nodes) {
        const old = last.written.get(key);
        const changed = position && (!last.written.has(key) || old?.x !== position.x || old.y !== position.y);
        if (changed) keep.set(key, position);
      }
    }
    const drawn = picture(graph, { opened, keep, scale: last?.scale });
    const standing = new Standing(drawn);
    if (editable) {
      // With a sub-workflow open others have given way: what is kept is where they stand when it is closed.
      const closed = opened.size ? picture(graph, { opened: NO_KEYS, keep, scale: drawn.scale }) : drawn;
      before.current = {
        written: new Map(graph.nodes.map(({ key, position }) => [key, position])),
        kept: new Map(new Standing(closed).all().map(({ key, position }) => [key, position])),
        scale: drawn.scale,
      };
    }
    return { drawn, standing };
  }, [graph, opened, editable]);
}

/** React Flow's nodes; those that are as before stay the same objects, and are not drawn again. */
function toNodes(drawn: Picture, before: readonly BoxNodeType[], selection: ReadonlySet<string>, editable: boolean): BoxNodeType[] {
  const old = new Map(before.map((node) => [node.id, node]));
  return drawn.boxes.map((box) => {
    const last = old.get(box.key);
    const selected = selection.has(box.key);
    const alike = last && sameBox(last.data.box, box);
    if (alike && last.position.x === box.x && last.position.y === box.y && last.selected === selected) return last;
    const { key, x, y, width, height, depth } = box;
    return {
      id: key, type: "box", position: { x, y }, width, height, measured: { width, height }, selected,
      data: alike ? last.data : { box },
      draggable: editable && depth === 0, connectable: editable && depth === 0,
      zIndex: depth * 2 + (box.open ? 0 : 1),
      ...(box.parent === undefined ? {} : { parentId: box.parent }),
      handles: editable && depth === 0 ? box.joints.filter((joint) => !joint.inner).map((joint) => ({
        id: joint.port, type: joint.side === "left" ? "target" as const : "source" as const,
        position: joint.side === "left" ? Side.Left : Side.Right, x: joint.x - 6, y: joint.y - 6, width: 12, height: 12,
      })) : [],
    };
  });
}

function sameBox(one: Box, other: Box): boolean {
  return one.width === other.width && one.height === other.height && one.open === other.open && one.parent === other.parent &&
    (one.node === other.node || JSON.stringify(bare(one.node)) === JSON.stringify(bare(other.node))) &&
    one.inputs.length === other.inputs.length && one.outputs.length === other.outputs.length;
}

type Box = Picture["boxes"][number];

function bare(node: Box["node"]) {
  return { ...node, position: undefined, inside: node.inside !== undefined };
}

function select(nodes: readonly BoxNodeType[], selection: ReadonlySet<string>): BoxNodeType[] {
  return nodes.map((node) => (node.selected === selection.has(node.id) ? node : { ...node, selected: selection.has(node.id) }));
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}

function same(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((key) => other.has(key));
}

function ends(link: { source: string; sourceHandle?: string | null; target: string; targetHandle?: string | null }): [End, End] {
  return [{ node: link.source, port: link.sourceHandle ?? "" }, { node: link.target, port: link.targetHandle ?? "" }];
}

function insides(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => (node.inside ? [node.key, ...insides(node.inside)] : []));
}

function focusOn(frame: HTMLElement | null, key: string): void {
  frame?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function motion(): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 220;
}
