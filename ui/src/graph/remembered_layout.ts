/** Layouts of large graphs, remembered by the browser: the second look at a workflow costs no layout. */
import { type Arranger, tidy } from "./arrange";
import type { Position } from "./model";

const PREFIX = "mlcraft.layout.";
const KEPT = 30;
const LARGE = 40;
/** In the name, so that another way to lay out forgets what the last one found. */
const VERSION = 1;

export const remembered: Arranger = (nodes, links) => {
  if (nodes.length < LARGE) return tidy(nodes, links);
  const shape = JSON.stringify([VERSION, nodes.map(({ key, size }) => [key, size.width, size.height]), links.map(({ from, to, fromY, toY }) => [from, to, fromY, toY])]);
  const name = PREFIX + hash(shape);
  const found = read(name);
  if (found && found.length === nodes.length) return new Map(nodes.map(({ key }, index) => [key, { x: found[index]![0], y: found[index]![1] }]));
  const places = tidy(nodes, links);
  write(name, nodes.map(({ key }) => places.get(key)!));
  return places;
};

function read(name: string): [number, number][] | undefined {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function write(name: string, places: Position[]): void {
  try {
    const old = Object.keys(localStorage).filter((each) => each.startsWith(PREFIX));
    if (old.length >= KEPT) for (const each of old) localStorage.removeItem(each);
    localStorage.setItem(name, JSON.stringify(places.map(({ x, y }) => [x, y])));
  } catch {
    // A browser that keeps nothing lays out again.
  }
}

/** FNV-1a, twice from different starts. */
function hash(text: string): string {
  return [0x811c9dc5, 0x1234567].map((start) => {
    let value = start;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return (value >>> 0).toString(36);
  }).join("");
}
