/** Requests to the server: the pending one, and its failure. */
import { useCallback, useState } from "react";
import { ApiError } from "../../api/fetch";

export interface Trouble {
  kind: "session" | "silent" | "refused";
  message: string;
}

export interface Requests {
  /** One word for the pending request; "" without one. */
  busy: string;
  setBusy: (what: string) => void;
  trouble: Trouble | undefined;
  setTrouble: (trouble: Trouble | undefined) => void;
  attempt: (what: string, work: () => Promise<void>) => Promise<void>;
}

export function useRequests(): Requests {
  const [busy, setBusy] = useState("");
  const [trouble, setTrouble] = useState<Trouble>();
  const attempt = useCallback(async (what: string, work: () => Promise<void>) => {
    setBusy(what);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setTrouble({
        kind: error.sessionEnded ? "session" : error.silent ? "silent" : "refused",
        message: error.message,
      });
    } finally {
      setBusy("");
    }
  }, []);
  return { busy, setBusy, trouble, setTrouble, attempt };
}
