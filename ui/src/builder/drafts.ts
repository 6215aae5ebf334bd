/** Unsaved texts in the browser's storage: one for each document, with the version that it was edited from. */

export interface Draft {
  /** The version of the document that was edited; null for a new one. */
  base: string | null;
  text: string;
  /** Milliseconds. */
  at: number;
}

/** A draft that was found when the document was opened. */
export interface FoundDraft {
  kept: Draft;
  /** Whether the document has been saved since. */
  newer: boolean;
  /** The text without it. */
  saved: string;
}

const PREFIX = "mlcraft.draft.";

export function readDraft(path: string): Draft | undefined {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PREFIX + path) ?? "null");
    if (typeof found !== "object" || found === null) return undefined;
    const { base, text, at } = found as Partial<Draft>;
    return typeof text === "string" && typeof at === "number" ? { base: base ?? null, text, at } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns false if the browser stores nothing. */
export function writeDraft(path: string, draft: Draft): boolean {
  try {
    localStorage.setItem(PREFIX + path, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function dropDraft(path: string): void {
  try {
    localStorage.removeItem(PREFIX + path);
  } catch {
    // Nothing was stored.
  }
}

export function draftPaths(): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  } catch {
    return [];
  }
}
