/** Requests to the server: every failure becomes an `ApiError` with a message. */

/** `/mlcraft/` of this Airflow, and Airflow itself; pages are at `<airflow>/mlcraft/pages/`. */
export const MLCRAFT = new URL("../", document.baseURI);
export const AIRFLOW = new URL("../../", document.baseURI);

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The whole response, if it is JSON. */
    readonly body?: unknown,
  ) {
    super(message);
    this.name = "ApiError";
  }

  get sessionEnded(): boolean {
    return this.status === 401;
  }

  get forbidden(): boolean {
    return this.status === 403;
  }

  get gone(): boolean {
    return this.status === 404;
  }

  /** There was no response from Airflow. */
  get silent(): boolean {
    return this.status === 0;
  }
}

export interface Asking {
  method?: string;
  /** Sent as JSON. */
  json?: unknown;
  body?: BodyInit;
  signal?: AbortSignal;
  /** The base of an address without a leading slash. */
  from?: URL;
}

/** The requests that `early.js` has sent before this script was loaded. */
const early = (globalThis as { mlcraftEarly?: { address: string; answer: Promise<Response> } | undefined })
  .mlcraftEarly;

/** Send a request to a route, by its address below `/mlcraft/`. */
export async function request<T>(
  address: string,
  { method, json, body, signal, from = MLCRAFT }: Asking = {},
): Promise<T> {
  const init: RequestInit = { credentials: "same-origin", headers: { accept: "application/json" }, redirect: "manual" };
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { ...init.headers, "content-type": "application/json" };
  } else if (body !== undefined) {
    init.body = body;
  }
  init.method = method ?? (init.body === undefined ? "GET" : "POST");
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await (earlyResponse(address) ?? fetch(new URL(address, from), init));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "Airflow does not answer.");
  }
  // A redirect leads to the login.
  if (response.type === "opaqueredirect") throw new ApiError(401, "The session has ended.");
  const found: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
  if (!response.ok)
    throw new ApiError(response.status, errorMessage(found) ?? `The server answered ${response.status}.`, found);
  return found as T;
}

/** The early response for an address; each is used once. */
function earlyResponse(address: string): Promise<Response> | undefined {
  if (early?.address !== address) return undefined;
  early.address = "";
  return early.answer;
}

function errorMessage(body: unknown): string | undefined {
  const detail = (body as { detail?: unknown } | undefined)?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((each: { msg?: string }) => each.msg ?? JSON.stringify(each)).join("; ");
  if (detail && typeof detail === "object" && "reason" in detail) return String(detail.reason);
  return undefined;
}

/** A part of an address. */
export function encodePathPart(text: string): string {
  return encodeURIComponent(text);
}
