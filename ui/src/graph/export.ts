/** The drawing as a file: a stand-alone SVG, or a PNG of it. Loaded when it is first used. */
import { stateWord } from "../look/states";
import { inputRows } from "./folding";
import { ROW, SIDE, portsTop, HEADER, LINE } from "./geometry";
import type { Port, Position, StepState } from "./model";
import type { Box, Picture } from "./picture";
import { isArray, portKind, shortType } from "./port_kinds";
import { paths, typeOf } from "./Wires";

export interface Drawn {
  picture: Picture;
  places: ReadonlyMap<string, Position>;
  states?: Readonly<Record<string, StepState>> | undefined;
  /** Of the file, without its ending. */
  name: string;
}

const MARGIN = 32;
const LARGEST = 16_000;

export async function save(form: "svg" | "png", drawn: Drawn): Promise<void> {
  const text = svg(drawn, themeColours());
  const image = form === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await png(text);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(image);
  link.download = `${drawn.name}.${form}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export type Colours = (name: string) => string;

function themeColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

export function svg({ picture, places, states }: Omit<Drawn, "name">, colour: Colours): string {
  const boxes = new Map(picture.boxes.map((box) => [box.key, box]));
  const edges = picture.boxes.map((box) => ({ ...places.get(box.key)!, width: box.width, height: box.height }));
  const left = Math.min(0, ...edges.map((each) => each.x)) - MARGIN;
  const top = Math.min(0, ...edges.map((each) => each.y)) - MARGIN;
  const width = Math.max(1, ...edges.map((each) => each.x + each.width)) - left + MARGIN;
  const height = Math.max(1, ...edges.map((each) => each.y + each.height)) - top + MARGIN;
  const lines = paths(picture, places);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}" font-family="${attribute(colour("font"))}">`,
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${colour("page")}"/>`,
    ...picture.boxes
      .filter((box) => box.open)
      .map((box) => {
        const { x, y } = places.get(box.key)!;
        return `<rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="10" fill="${colour("accent")}" fill-opacity="0.045"/>`;
      }),
    ...picture.wires.map(
      (wire) =>
        `<path d="${lines.get(wire.key) ?? ""}" fill="none" stroke="${colour(`port-${portKind(typeOf(wire, boxes))}`)}" stroke-opacity="0.65" stroke-width="1.6"/>`,
    ),
    ...picture.boxes.map((box) => drawBox(box, places.get(box.key)!, states?.[box.key], colour)),
    "</svg>",
  ];
  return parts.join("\n");
}

function drawBox(box: Box, at: Position, state: StepState | undefined, colour: Colours): string {
  const { node, width, height } = box;
  const parts = [`<g transform="translate(${at.x} ${at.y})"><title>${escaped(node.doc ?? node.label)}</title>`];
  const word = (x: number, y: number, text: string, room: number, size: number, fill: string, more = "") =>
    parts.push(
      `<text x="${x}" y="${y}" font-size="${size}" fill="${colour(fill)}" ${more}>${escaped(fit(text, room, size))}</text>`,
    );
  const dot = (port: Port, x: number, y: number) =>
    parts.push(
      `<rect x="${x - 4}" y="${y - 4}" width="8" height="8" rx="${isArray(port.type) || port.scattered ? 2 : 4}" fill="${colour(`port-${portKind(port.type)}`)}" stroke="${colour("surface")}" stroke-width="2" paint-order="stroke"/>`,
    );
  if (node.kind !== "step") {
    const port = node.inputs[0] ?? node.outputs[0];
    parts.push(
      `<rect width="${width}" height="${height}" rx="${height / 2}" fill="${colour("surface")}" stroke="${colour("line")}"/>`,
    );
    word(20, 20, node.label, width - 40, 12.5, "text", 'font-weight="600"');
    word(20, 35, shortType(port?.type ?? ""), width - 40, 11, "text-faint");
    if (port) dot(port, node.kind === "input" ? width : 0, height / 2);
    return [...parts, "</g>"].join("");
  }
  const edge = state ? colour(`state-${state.state}`) : colour("line");
  parts.push(
    box.open
      ? `<rect width="${width}" height="${height}" rx="10" fill="none" stroke="${colour("line-strong")}" stroke-dasharray="4 3"/>`
      : `<rect width="${width}" height="${height}" rx="8" fill="${colour("surface")}" stroke="${colour("line")}"/>`,
  );
  if (state) parts.push(`<rect width="5" height="${height}" rx="2.5" fill="${edge}"/>`);
  word(16, 21, node.label, width - 30, 13, "text", 'font-weight="600"');
  word(
    16,
    38,
    state ? stateWord(state.state) : [node.tool?.hint, node.tool?.name].filter(Boolean).join(" · "),
    width - 30,
    11.5,
    "text-faint",
  );
  let line = HEADER;
  const extra = (text: string, fill: string) => {
    parts.push(`<path d="M0 ${line}H${width}" stroke="${colour("line")}"/>`);
    word(16, line + 16, text, width - 30, 11, fill);
    line += LINE;
  };
  if (node.scatter?.length) {
    const failed = state?.failed?.[0];
    extra(failed ? `failed: ${failed.label}` : `scatter: ${node.scatter.join(", ")}`, failed ? "bad" : "text-soft");
  }
  if (node.when) extra(`${node.loop ? "while" : "when"}: ${node.when}`, "text-soft");
  parts.push(`<path d="M0 ${line}H${width}" stroke="${colour("line")}"/>`);
  const first = portsTop(node) + ROW / 2;
  const room = (box.open ? SIDE : width) - 24;
  box.inputs.forEach((port, index) => {
    const y = first + index * ROW;
    dot(port, 0, y);
    word(12, y + 4, port.id, room * 0.6, 12, "text");
    if (!box.open) word(width - 12, y + 4, shortType(port.type), room * 0.38, 10.5, "text-faint", 'text-anchor="end"');
  });
  if (box.quiet.length && !box.inputs.includes(box.quiet[0]!))
    word(12, first + box.inputs.length * ROW + 4, `${box.quiet.length} more`, room, 11, "text-faint");
  box.outputs.forEach((port, index) => {
    const y = first + (index + (box.open ? 0 : inputRows(box))) * ROW;
    dot(port, width, y);
    word(width - 12, y + 4, port.id, room * 0.6, 12, "text", 'text-anchor="end"');
    if (!box.open) word(12, y + 4, shortType(port.type), room * 0.38, 10.5, "text-faint");
  });
  return [...parts, "</g>"].join("");
}

/** A browser lays out no text in an SVG: what is too long is cut by an average of widths. */
function fit(text: string, room: number, size: number): string {
  const most = Math.floor(room / (size * 0.54));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}

function escaped(text: string): string {
  // Neither XML nor a drawing has room for control characters.
  return text
    .replace(/[^\P{Cc}\t\n\r]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function attribute(text: string): string {
  return escaped(text).replaceAll('"', "&quot;");
}

async function png(text: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const factor = Math.min(2, LARGEST / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * factor, image.height * factor];
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, failed) =>
    canvas.toBlob(
      (blob) => (blob ? done(blob) : failed(new Error("The picture is too large for this browser."))),
      "image/png",
    ),
  );
}
