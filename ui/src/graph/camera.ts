/** Zoom and position of the drawing: all of it is visible until the user zooms in. */
import { type RefObject, useEffect, useState } from "react";
import type { ReactFlowInstance } from "@xyflow/react";
import type { BoxNodeType } from "./BoxNode";
import type { Keys } from "./key_sets";
import type { Position } from "./model";
import type { Picture } from "./picture";
import { inPlane } from "./Wires";

/** The current drawing, and its selection. */
export interface Shown {
  drawn: Picture;
  selection: Keys;
}

export const FIT = { padding: 0.08, maxZoom: 1 };
/** Below this zoom names cannot be read. */
const READABLE = 0.55;
const NEAR = 0.8;

export function useCamera(frame: RefObject<HTMLElement | null>, shown: RefObject<Shown>): Camera {
  const [camera] = useState(() => new Camera(frame, shown));
  useEffect(() => {
    // After React Flow's own watcher.
    const watcher = new ResizeObserver(() => requestAnimationFrame(() => camera.resized()));
    watcher.observe(frame.current!);
    return () => watcher.disconnect();
  }, [camera, frame]);
  return camera;
}

export class Camera {
  flow: ReactFlowInstance<BoxNodeType> | null = null;
  private seesAll = true;

  constructor(
    private readonly frame: RefObject<HTMLElement | null>,
    private readonly shown: RefObject<Shown>,
  ) {}

  /** React Flow's handle, which is there once the picture is. */
  attach(flow: ReactFlowInstance<BoxNodeType>): void {
    this.flow = flow;
  }

  showAll(): void {
    this.seesAll = true;
    void this.flow?.fitView({ ...FIT, duration: motion() });
  }

  zoom(way: "zoomIn" | "zoomOut"): void {
    this.seesAll = false;
    void this.flow?.[way]({ duration: motion() });
  }

  /** Called when the user moves the drawing. */
  moved(): void {
    this.seesAll = false;
  }

  /** Brings a box to the middle, and near enough to be read. */
  approach(key: string): void {
    this.center(key, Math.max(this.flow?.getZoom() ?? NEAR, NEAR));
  }

  center(key: string, zoom = this.flow?.getZoom()): void {
    const box = this.box(key);
    if (!box || !this.flow || zoom === undefined) return;
    this.seesAll = false;
    void this.flow.setCenter(box.x + box.width / 2, box.y + Math.min(box.height / 2, 200), {
      zoom,
      duration: motion(),
    });
  }

  /** What has just been opened is seen whole; where all was seen, all still is. */
  opened(key: string): void {
    if (this.seesAll) this.showAll();
    else if (this.hides(key))
      void this.flow?.fitView({
        nodes: [{ id: key }],
        padding: 0.12,
        maxZoom: this.flow.getZoom(),
        duration: motion(),
      });
  }

  /** Beside a panel that opens, all is still seen where all was seen, and what the panel is about in any case. */
  resized(): void {
    if (!this.frame.current) return;
    const { drawn, selection } = this.shown.current;
    const [about] = selection.size === 1 ? selection : [];
    const { seesAll } = this;
    if (seesAll && (about === undefined || readable(drawn, this.frame.current))) void this.flow?.fitView(FIT);
    else if (about !== undefined && this.hides(about)) this.center(about);
    this.seesAll = seesAll;
  }

  /** A place of the screen, in the picture. */
  at(place: Position): Position {
    return this.flow!.screenToFlowPosition(place);
  }

  /** The middle of what is seen, in the picture. */
  middle(): Position {
    const { x, y, width, height } = this.frame.current!.getBoundingClientRect();
    return this.at({ x: x + width / 2, y: y + height / 2 });
  }

  /** Whether a box is out of sight, in part or whole. */
  private hides(key: string): boolean {
    const box = this.box(key);
    const seen = this.frame.current?.getBoundingClientRect();
    if (!box || !seen || !this.flow) return false;
    const [from, to] = [
      this.flow.flowToScreenPosition(box),
      this.flow.flowToScreenPosition({ x: box.x + box.width, y: box.y + box.height }),
    ];
    return from.x < seen.left || from.y < seen.top || to.x > seen.right || to.y > seen.bottom;
  }

  private box(key: string) {
    const { boxes } = this.shown.current.drawn;
    const box = boxes.find((each) => each.key === key);
    return box && { ...box, ...inPlane(boxes).get(key)! };
  }
}

/** Whether names can be read where all is shown. */
function readable({ boxes }: Picture, frame: HTMLElement): boolean {
  const outer = boxes.filter((box) => box.parent === undefined);
  const [left, top] = [Math.min(...outer.map((box) => box.x)), Math.min(...outer.map((box) => box.y))];
  const [right, bottom] = [
    Math.max(...outer.map((box) => box.x + box.width)),
    Math.max(...outer.map((box) => box.y + box.height)),
  ];
  return Math.min(frame.clientWidth / (right - left), frame.clientHeight / (bottom - top)) > READABLE;
}

function motion(): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 220;
}
