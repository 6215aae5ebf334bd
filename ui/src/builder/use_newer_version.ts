/** Checks every ten seconds for a newer version of the document, saved by another user. */
import { useEffect, useState } from "react";
import { readDocument } from "../api/documents";
import type { Session } from "./session";

const EVERY = 10_000;

export interface NewerVersion {
  /** A newer version, if loading it would lose changes. */
  newer: { text: string; version: string; by?: string | undefined } | undefined;
  /** Whether a newer version has just been loaded. */
  taken: boolean;
}

export function useNewerVersion(session: Session): NewerVersion {
  const [fresh, setFresh] = useState<NewerVersion>({ newer: undefined, taken: false });
  useEffect(() => {
    let stopped = false;
    const look = async () => {
      const { path, base } = session.state;
      if (document.hidden || base.version === null) return;
      // A failed request is repeated at the next check.
      const found = await readDocument(path).catch(() => undefined);
      const now = session.state;
      if (stopped || !found || now.path !== path || now.base.version !== base.version) return;
      if (found.version === now.base.version)
        return setFresh((before) => (before.newer ? { newer: undefined, taken: false } : before));
      if (session.isChanged)
        return setFresh({
          newer: { text: found.text, version: found.version, by: found.by ?? undefined },
          taken: false,
        });
      session.rebase({ version: found.version, text: found.text });
      session.setText(found.text);
      setFresh({ newer: undefined, taken: true });
      setTimeout(() => !stopped && setFresh((before) => ({ ...before, taken: false })), 6000);
    };
    const timer = setInterval(() => void look(), EVERY);
    const seen = () => void look();
    document.addEventListener("visibilitychange", seen);
    return () => {
      stopped = true;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [session]);
  // Versions that were saved or merged since are not newer.
  return fresh.newer && fresh.newer.version === session.state.base.version
    ? { newer: undefined, taken: fresh.taken }
    : fresh;
}
