/** The command line of a tool, which the server computes a moment after each edit. */
import { useEffect, useState } from "react";
import { ApiError, request } from "../api/fetch";
import { CopyButton, Notice } from "../look/widgets";

interface Command {
  command: string[];
  shell: string;
  stdout?: string | null;
  container?: string | null;
  missing: string[];
}

const PAUSE_MS = 200;

export function CommandLine({ path, text }: { path: string; text: string }) {
  const [found, setFound] = useState<Command>();
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const asking = new AbortController();
    const timer = setTimeout(() => {
      request<Command>("api/command", { json: { path, text }, signal: asking.signal })
        .then((answer) => {
          setFound(answer);
          setTrouble("");
        })
        .catch((error: unknown) => {
          if (error instanceof ApiError) setTrouble(error.message);
        });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [path, text]);

  return (
    <section className="command-line" aria-label="Command line">
      <header>
        <h3>Command line</h3>
        {found?.container && <span className="command-container">in {found.container}</span>}
        {found && <CopyButton text={found.shell} name="Copy the command line" />}
      </header>
      {/* What was right last stays while something is being typed. */}
      {found && (
        <pre className={trouble ? "command-old" : ""} aria-live="polite">
          {found.shell}
        </pre>
      )}
      {trouble && <Notice kind="warn">{trouble}</Notice>}
      {!trouble && !!found?.missing.length && <p>With made-up values for {found.missing.join(", ")}.</p>}
    </section>
  );
}
