/** A sentence that is said for a moment. */
import { useEffect, useState } from "react";

const MOMENT_MS = 6000;

export function useSaid(): [said: string, say: (sentence: string) => void] {
  const [said, say] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(""), MOMENT_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return [said, say];
}
