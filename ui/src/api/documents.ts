/** The routes about documents. */
import { request, encodePathPart } from "./fetch";
import type { DocumentEntry, DocumentText, Me, Problem } from "./types";

export interface Saved {
  version: string;
  dag_id?: string | null;
  problems: Problem[];
}

const at = (path: string, verb = "") =>
  `api/documents/${path.split("/").map(encodePathPart).join("/")}${verb && `/${verb}`}`;

export const fetchMe = () => request<Me>("api/me");
export const listDocuments = () => request<DocumentEntry[]>("api/documents");
export const readDocument = (path: string) => request<DocumentText>(at(path));
export const saveDocument = (path: string, text: string, base: string | null) =>
  request<Saved>(at(path), { method: "PUT", json: { text, base } });
export const renameDocument = (path: string, to: string, base: string) =>
  request<Omit<Saved, "problems"> & { path: string }>(at(path, "rename"), { json: { to, base } });
export const duplicateDocument = (path: string, to: string) =>
  request<Omit<Saved, "problems"> & { path: string }>(at(path, "duplicate"), { json: { to } });
export const deleteDocument = (path: string, version: string) =>
  request<void>(`${at(path)}?base=${encodePathPart(version)}`, { method: "DELETE" });
export const copyShippedDocument = (path: string) => request<{ path: string }>(at(path, "take"), { method: "POST" });
export const checkDocument = (path: string, text: string, signal?: AbortSignal) =>
  request<{ problems: Problem[]; graph_ok: boolean }>("api/check", {
    json: { path, text },
    ...(signal ? { signal } : {}),
  });
