/** All connections in one drawing below the boxes: a component for each would cost more than all else on the page. */
import { memo } from "react";
import { curve } from "./geometry";
import { type Box, type Picture, type Wire, jointOf } from "./picture";
import { portKind } from "./port_kinds";
import type { Position } from "./model";

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
  const lit = (wire: Wire) =>
    selection.has(wire.key) || selection.has(wire.from.box) || selection.has(wire.to.box) || wire.from.box === hovered || wire.to.box === hovered;
  return (
    <svg className="wires" aria-hidden="true" onClick={onSelect && ((event) => {
      // One listener for all: as many of them would be set anew with each edit.
      const key = (event.target as Element).getAttribute("data-wire");
      if (key === null) return;
      event.stopPropagation();
      onSelect(key, event.shiftKey || event.metaKey || event.ctrlKey);
    })}>
      {frames.map((box) => {
        const { x, y } = places.get(box.key)!;
        return <rect key={box.key} className="frame" x={x} y={y} width={box.width} height={box.height} rx="10" />;
      })}
      {picture.wires.map((wire) => {
        const line = path(wire, boxes, places);
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

/** The curve of a wire in the plane. */
export function path(wire: Wire, boxes: ReadonlyMap<string, Box>, places: ReadonlyMap<string, Position>): string | undefined {
  const [from, to] = [wire.from, wire.to].map((end) => {
    const box = boxes.get(end.box);
    const place = places.get(end.box);
    const joint = box && jointOf(box, end);
    return place && joint && { x: place.x + joint.x, y: place.y + joint.y };
  });
  return from && to ? curve(from, to) : undefined;
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
