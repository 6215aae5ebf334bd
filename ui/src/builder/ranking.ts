/** The order in which connections are offered: by the names of both ends, by their types, and by what still lacks a value. */
import type { Way } from "../document/connecting";

export interface Candidate {
  way: Way;
  from: { port: string; type: string };
  to: { port: string; type: string };
  /** Whether the input already has a source. */
  taken: boolean;
  /** Whether the input must have a value. */
  required: boolean;
}

const WAYS: Record<Way, number> = { whole: 0, scatter: 2, collect: 3 };

/** A score; the lowest is the likeliest connection. */
export function rank({ way, from, to, taken, required }: Candidate): number {
  const name = words(from.port) === words(to.port) ? 0 : shareAWord(from.port, to.port) ? 1 : 2;
  const type = way === "whole" && from.type.replace(/\?$/, "") === to.type.replace(/\?$/, "") ? 0 : WAYS[way] + 1;
  return (taken ? 100 : 0) + name * 10 + type * 2 + (required ? 0 : 1);
}

function words(name: string): string {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .join("_");
}

function shareAWord(one: string, other: string): boolean {
  const known = new Set(words(one).split("_"));
  return words(other)
    .split("_")
    .some((word) => word.length > 1 && known.has(word));
}
