/** A message that is shown for some seconds. */
import { useEffect, useState } from "react";

const SHOWN_MS = 6000;

export function useToast(): [message: string, show: (message: string) => void] {
  const [message, show] = useState("");
  useEffect(() => {
    if (!message) return;
    const timer = setTimeout(() => show(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [message]);
  return [message, show];
}
