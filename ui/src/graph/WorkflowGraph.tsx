/** The drawing of a workflow, to view or to edit; both pages use it. */
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from "react";
import {
  applyNodeChanges,
  Background,
  BackgroundVariant,
  type Connection,
  ConnectionMode,
  type Edge,
  type NodeChange,
  type OnConnectStartParams,
  ReactFlow,
  type ReactFlowInstance,
  ReactFlowProvider,
  SelectionMode,
  ViewportPortal,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import "./graph.css";
import { Icon } from "../look/Icon";
import { useLatest } from "../look/use_latest";
import { BoxNode, type BoxNodeType } from "./BoxNode";
import { FIT, useCamera } from "./camera";
import { type Connecting, DRAGGED, type WorkflowGraphProps } from "./props";
import { useConnectionHighlight } from "./connection_highlight";
import { focusOn, isVisible, setTabStop, useTabStop } from "./focus";
import { GraphContext } from "./graph_context";
import { NO_KEYS, sameKeys, toggled } from "./key_sets";
import { onKey } from "./keyboard";
import { parentKeys } from "./keys";
import { Overview as Overview } from "./Overview";
import type { Graph } from "./model";
import { neighbour } from "./neighbour";
import { select, toNodes } from "./nodes";
import type { Picture } from "./picture";
import { usePicture } from "./node_positions";
import { StepStatesContext, useStepStates } from "./step_states";
import { inPlane, Wires } from "./Wires";

const TYPES = { box: BoxNode };
/** Zoom levels below which only names are drawn. Ports stay longer in the editor. */
const FAR = { edited: 0.3, few: 0.5, many: 0.42 };
const MANY = 80;
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
  const latestRef = useLatest(props);
  const frame = useRef<HTMLDivElement>(null);

  const states = useStepStates(props.states);
  const [opened, setOpened] = useState(NO_KEYS);
  const justOpened = useRef<string>(undefined);
  const toggle = useCallback((key: string) => {
    justOpened.current = key;
    setOpened((now) => toggled(now, key));
  }, []);
  const [unfolded, setUnfolded] = useState(NO_KEYS);
  const fold = useCallback((key: string) => setUnfolded((now) => toggled(now, key)), []);
  const { drawn, standing } = usePicture(graph, opened, unfolded, editable);
  const [far, setFar] = useState(drawn.boxes.length > MANY);
  const live = props.states !== undefined;
  const shared = useMemo(() => ({ editable, ports: !far, live, toggle, fold }), [editable, far, live, toggle, fold]);
  const [nodes, setNodes] = useState<BoxNodeType[]>(() => toNodes(drawn, [], selection, editable));
  const [nodesOf, setNodesOf] = useState({ drawn, selection });
  let current = nodes;
  if (nodesOf.drawn !== drawn || nodesOf.selection !== selection) {
    // While rendering: an effect would show one frame of the old picture first.
    const moved = nodesOf.drawn !== drawn;
    setNodesOf({ drawn, selection });
    current = moved ? toNodes(drawn, nodes, selection, editable) : select(nodes, selection);
    setNodes(current);
  }
  const places = useMemo(
    () =>
      inPlane(
        current.map(({ id, parentId, position }) => ({
          key: id,
          ...position,
          ...(parentId === undefined ? {} : { parent: parentId }),
        })),
      ),
    [current],
  );
  const shownRef = useLatest({ drawn, selection });
  const camera = useCamera(frame, shownRef);
  const [hovered, setHovered] = useState<string>();
  useTabStop(frame, drawn);
  const fits = useConnectionHighlight(frame, (from, to) => props.canConnect?.(from, to), fold);

  const onNodesChange = useCallback(
    (changes: NodeChange<BoxNodeType>[]) => {
      const { selection, onSelect } = latestRef.current;
      const chosen = changes.filter((change) => change.type === "select");
      if (chosen.length) {
        const next = new Set(selection);
        for (const change of chosen) if (change.selected) next.add(change.id);
        for (const change of chosen) if (!change.selected) next.delete(change.id);
        if (!sameKeys(next, selection)) onSelect(next);
      }
      const placed = changes.filter((change) => change.type === "position");
      if (placed.length) setNodes((now) => applyNodeChanges(placed, now));
    },
    [latestRef],
  );

  const tell = (moved: readonly BoxNodeType[]) => {
    const moves = moved.filter((node) => node.parentId === undefined).map((node) => standing.moveOf(node));
    if (moves.length) props.onMove?.(moves);
  };

  useEffect(() => {
    const key = justOpened.current;
    justOpened.current = undefined;
    if (key !== undefined) camera.opened(key);
  }, [drawn, camera]);

  const revealing = useRef<string>(undefined);
  useLayoutEffect(() => {
    const key = revealing.current;
    if (key === undefined || !drawn.boxes.some((box) => box.key === key)) return;
    revealing.current = undefined;
    camera.approach(key);
    requestAnimationFrame(() => focusOn(frame.current, key));
  });

  useImperativeHandle(
    ref,
    () => ({
      fit: () => camera.showAll(),
      reveal: (key) => {
        revealing.current = key;
        setOpened((now) => new Set([...now, ...parentKeys(key)]));
      },
      openAll: (open) => {
        setOpened(open ? new Set(insides(latestRef.current.graph)) : NO_KEYS);
        requestAnimationFrame(() => camera.showAll());
      },
      tidied: () => standing.tidied(latestRef.current.graph),
      free: (size, wanted) => standing.free(size, wanted),
      freeShift: (copies, first) => standing.freeShift(copies, first),
      standing: () => standing.all(),
      middle: () => standing.toDocument(camera.middle()),
      drawn: () => ({ picture: shownRef.current.drawn, places: inPlane(shownRef.current.drawn.boxes) }),
    }),
    [standing, camera, latestRef, shownRef],
  );

  const onKeyDown = (event: React.KeyboardEvent) =>
    onKey(event, {
      move:
        editable && selection.size
          ? ({ x, y }) =>
              tell(
                current
                  .filter((node) => selection.has(node.id))
                  .map((node) => ({ ...node, position: { x: node.position.x + x, y: node.position.y + y } })),
              )
          : undefined,
      walk: (from, direction) => {
        const next = neighbour(drawn, places, from, direction);
        if (next !== undefined) focusOn(frame.current, next);
      },
      choose: (key, add) => onSelect(add ? toggled(selection, key) : new Set([key])),
      enter: (key) => props.onEnter?.(key),
      toggle: (key) => {
        const box = drawn.boxes.find((each) => each.key === key);
        if (box?.node.inside) toggle(key);
        else if (box?.quiet.length) fold(key);
      },
      remove: editable && selection.size ? () => props.onDelete?.([...selection]) : undefined,
      letGo: selection.size ? () => onSelect(NO_KEYS) : undefined,
      zoom: (way) => camera.zoom(way),
      showAll: () => camera.showAll(),
    });

  const onFocus = (event: React.FocusEvent) => {
    const box = event.target as HTMLElement;
    const { key } = box.dataset;
    if (key === undefined) return;
    setTabStop(frame.current!, box);
    if (box.matches(":focus-visible") && !isVisible(frame.current!, box)) camera.center(key);
  };

  const tellRef = useLatest(tell);
  const showZoom = useCallback(
    (zoom: number) => {
      setFar(isFar(shownRef.current.drawn, zoom, latestRef.current.editable ?? false));
      // Names are drawn larger where all else gets smaller; by the style alone, so that no box is drawn again.
      frame.current?.style.setProperty("--zoom", String(zoom));
    },
    [latestRef, shownRef],
  );
  // React Flow draws every box again where one of these is another function than before.
  const heard = useMemo(
    () => ({
      onInit: (instance: ReactFlowInstance<BoxNodeType>) => {
        camera.attach(instance);
        showZoom(instance.getZoom());
      },
      onViewportChange: ({ zoom }: { zoom: number }) => showZoom(zoom),
      onMove: (event: unknown) => {
        if (event) camera.moved();
      },
      onNodeMouseEnter: (_: unknown, node: BoxNodeType) => setHovered(node.id),
      onNodeMouseLeave: () => setHovered(undefined),
      onNodeDragStop: (_: unknown, __: unknown, moved: BoxNodeType[]) => tellRef.current(moved),
      onNodeDoubleClick: (_: unknown, node: BoxNodeType) => latestRef.current.onEnter?.(node.id),
      onPaneClick: () => {
        if (latestRef.current.selection.size) latestRef.current.onSelect(NO_KEYS);
      },
      isValidConnection: (link: Connection | Edge) => !!latestRef.current.canConnect?.(...ends(link)),
      onConnectStart: (_: unknown, { nodeId, handleId, handleType }: OnConnectStartParams) => {
        if (nodeId !== null && handleId !== null) fits.start({ node: nodeId, port: handleId }, handleType === "source");
      },
      onConnectEnd: () => fits.stop(),
      onConnect: (link: Connection) => latestRef.current.onConnect?.(...ends(link)),
    }),
    [camera, fits, showZoom, tellRef, latestRef],
  );

  const onEdge = useMemo(
    () =>
      editable
        ? (key: string, add: boolean) => {
            const { selection, onSelect } = latestRef.current;
            onSelect(add ? toggled(selection, key) : new Set([key]));
          }
        : undefined,
    [editable, latestRef],
  );

  return (
    <GraphContext value={shared}>
      <StepStatesContext value={states}>
        <div className="graph-whole">
          {/* The keys come up from the boxes, one of which has the focus. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
          <div
            ref={frame}
            className={`graph ${far ? "far" : ""} ${editable ? "editable" : ""}`}
            role="group"
            aria-label={props.label ?? "Workflow"}
            onKeyDown={onKeyDown}
            onFocus={onFocus}
            onDragOver={(event) => {
              if (!props.onDrop || !event.dataTransfer.types.includes(DRAGGED)) return;
              event.preventDefault();
              event.dataTransfer.dropEffect = "copy";
            }}
            onDrop={(event) => {
              const path = event.dataTransfer.getData(DRAGGED);
              if (!path || !props.onDrop || !camera.flow) return;
              event.preventDefault();
              props.onDrop(path, standing.toDocument(camera.at({ x: event.clientX, y: event.clientY })));
            }}
          >
            <ReactFlow<BoxNodeType>
              nodes={current}
              edges={[]}
              nodeTypes={TYPES}
              onNodesChange={onNodesChange}
              {...heard}
              fitView
              fitViewOptions={FIT}
              minZoom={0.03}
              maxZoom={2}
              nodesDraggable={editable}
              nodesConnectable={editable}
              nodesFocusable={false}
              elementsSelectable
              elevateNodesOnSelect={false}
              zIndexMode="manual"
              selectNodesOnDrag={false}
              nodeDragThreshold={3}
              zoomOnDoubleClick={false}
              deleteKeyCode={null}
              selectionKeyCode={editable ? "Shift" : null}
              multiSelectionKeyCode={editable ? MULTIPLE : null}
              selectionMode={SelectionMode.Partial}
              disableKeyboardA11y
              connectionMode={ConnectionMode.Strict}
              connectionRadius={28}
              panOnScroll={false}
              proOptions={{ hideAttribution: true }}
            >
              <Background variant={BackgroundVariant.Dots} gap={22} size={1.4} color="var(--dots)" />
              <ViewportPortal>
                <Wires picture={drawn} places={places} selection={selection} hovered={hovered} onSelect={onEdge} />
              </ViewportPortal>
              <Overview states={states} />
            </ReactFlow>
            {!drawn.boxes.length && props.empty && <div className="graph-empty">{props.empty}</div>}
          </div>
          <div className="graph-buttons" role="group" aria-label="Zoom">
            <button type="button" title="Zoom in (+)" aria-label="Zoom in" onClick={() => camera.zoom("zoomIn")}>
              <Icon name="plus" />
            </button>
            <button type="button" title="Zoom out (-)" aria-label="Zoom out" onClick={() => camera.zoom("zoomOut")}>
              <Icon name="minus" />
            </button>
            <button type="button" title="Show all (0)" aria-label="Show all" onClick={() => camera.showAll()}>
              <Icon name="fit" />
            </button>
          </div>
        </div>
      </StepStatesContext>
    </GraphContext>
  );
}

function isFar({ boxes }: Picture, zoom: number, editable: boolean): boolean {
  return zoom < (boxes.length > MANY ? FAR.many : editable ? FAR.edited : FAR.few);
}

function ends(link: Connection | Edge): Connecting {
  return [
    { node: link.source, port: link.sourceHandle ?? "" },
    { node: link.target, port: link.targetHandle ?? "" },
  ];
}

/** The steps that can be opened, in all depths. */
function insides(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => (node.inside ? [node.key, ...insides(node.inside)] : []));
}
