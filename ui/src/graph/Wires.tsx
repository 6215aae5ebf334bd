/** All connections in one drawing below the boxes: a component for each would cost more than all else on the page. */
import { memo, useMemo } from "react";
import { curve } from "./geometry";
import { type Box, type Picture, type Wire, jointOf } from "./picture";
import { portKind } from "./port_kinds";
import type { Position } from "./model";
import { route } from "./routing";

interface WiresProps {
  picture: Picture;
  /** Where boxes stand in the plane. */
  places: ReadonlyMap<string, Position>;
  selection: ReadonlySet<string>;
  hovered: string | undefined;
  onSelect: ((key: string, add: boolean) => void) | undefined;
}

export const Wires = memo(function Wires({ picture, places, selection, hovered, onSelect }: WiresProps) {
  const boxes = new Map(picture.boxes.map((box) => [box.key, box]));
  const frames = picture.boxes.filter((box) => box.open);
  const lines = useMemo(() => paths(picture, places), [picture, places]);
  const lit = (wire: Wire) =>
    selection.has(wire.key) ||
    selection.has(wire.from.box) ||
    selection.has(wire.to.box) ||
    wire.from.box === hovered ||
    wire.to.box === hovered;
  return (
    <svg
      className="wires"
      aria-hidden="true"
      onClick={
        onSelect &&
        ((event) => {
          // One listener for all: as many of them would be set anew with each edit.
          const key = (event.target as Element).getAttribute("data-wire");
          if (key === null) return;
          event.stopPropagation();
          onSelect(key, event.shiftKey || event.metaKey || event.ctrlKey);
        })
      }
    >
      {frames.map((box) => {
        const { x, y } = places.get(box.key)!;
        return <rect key={box.key} className="frame" x={x} y={y} width={box.width} height={box.height} rx="10" />;
      })}
      {picture.wires.map((wire) => {
        const line = lines.get(wire.key);
        if (!line) return null;
        const look = `wire kind-${portKind(typeOf(wire, boxes))} ${lit(wire) ? "lit" : ""} ${selection.has(wire.key) ? "selected" : ""}`;
        if (!onSelect || wire.depth > 0) return <path key={wire.key} className={look} d={line} />;
        return (
          <g key={wire.key}>
            <path className="wire-reach" d={line} data-wire={wire.key} />
            <path className={look} d={line} />
          </g>
        );
      })}
    </svg>
  );
});

/** In larger pictures wires are plain curves: checking every box for every wire would take too long. */
const ROUTED = 150;

/** The lines of all wires in the plane, around the boxes of their level. */
export function paths(picture: Picture, places: ReadonlyMap<string, Position>): Map<string, string> {
  const boxes = new Map(picture.boxes.map((box) => [box.key, box]));
  const levels = new Map<string | undefined, Box[]>();
  for (const box of picture.boxes) {
    const level = levels.get(box.parent);
    if (level) level.push(box);
    else levels.set(box.parent, [box]);
  }
  const found = new Map<string, string>();
  for (const wire of picture.wires) {
    const level = wire.from.inner ? wire.from.box : boxes.get(wire.from.box)?.parent;
    const others =
      picture.boxes.length > ROUTED
        ? []
        : (levels.get(level) ?? []).filter(({ key }) => key !== wire.from.box && key !== wire.to.box);
    const line = path(wire, boxes, places, others);
    if (line) found.set(wire.key, line);
  }
  return found;
}

/** The line of a wire in the plane, around other boxes. */
export function path(
  wire: Wire,
  boxes: ReadonlyMap<string, Box>,
  places: ReadonlyMap<string, Position>,
  others: readonly Box[] = [],
): string | undefined {
  const [from, to] = [wire.from, wire.to].map((end) => {
    const box = boxes.get(end.box);
    const place = places.get(end.box);
    const joint = box && jointOf(box, end);
    return place && joint && { x: place.x + joint.x, y: place.y + joint.y };
  });
  if (!from || !to) return undefined;
  return others.length
    ? route(
        from,
        to,
        others.map(({ key, width, height }) => ({ ...places.get(key)!, width, height })),
      )
    : curve(from, to);
}

export function typeOf(wire: Wire, boxes: ReadonlyMap<string, Box>): string {
  const box = boxes.get(wire.from.box);
  if (!box) return "";
  const ports = wire.from.side === "left" ? box.inputs : box.outputs;
  return ports.find((port) => port.id === wire.from.port)?.type ?? "";
}

/** Where boxes stand in the plane, from where they stand in the boxes that hold them. */
export function inPlane(boxes: readonly (Position & { key: string; parent?: string })[]): Map<string, Position> {
  const places = new Map<string, Position>();
  for (const { key, parent, x, y } of boxes) {
    const origin = parent === undefined ? undefined : places.get(parent);
    places.set(key, origin ? { x: origin.x + x, y: origin.y + y } : { x, y });
  }
  return places;
}
