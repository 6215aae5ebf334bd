/** The routes about documents. */
import { ask, part } from "./fetch";
import type { DocumentEntry, DocumentText, Me, Problem } from "./types";

export interface Saved {
  version: string;
  dag_id?: string | null;
  problems: Problem[];
}

const at = (path: string, verb = "") => `api/documents/${path.split("/").map(part).join("/")}${verb && `/${verb}`}`;

export const me = () => ask<Me>("api/me");
export const documents = () => ask<DocumentEntry[]>("api/documents");
export const readDocument = (path: string) => ask<DocumentText>(at(path));
export const saveDocument = (path: string, text: string, base: string | null) =>
  ask<Saved>(at(path), { method: "PUT", json: { text, base } });
export const renameDocument = (path: string, to: string, base: string) =>
  ask<Omit<Saved, "problems"> & { path: string }>(at(path, "rename"), { json: { to, base } });
export const duplicateDocument = (path: string, to: string) =>
  ask<Omit<Saved, "problems"> & { path: string }>(at(path, "duplicate"), { json: { to } });
export const deleteDocument = (path: string, version: string) =>
  ask<void>(`${at(path)}?base=${part(version)}`, { method: "DELETE" });
export const takeDocument = (path: string) => ask<{ path: string }>(at(path, "take"), { method: "POST" });
export const checkDocument = (path: string, text: string, signal?: AbortSignal) =>
  ask<{ problems: Problem[]; graph_ok: boolean }>("api/check", { json: { path, text }, ...(signal ? { signal } : {}) });
