/** The content of a page that cannot be rendered: a message, and a button to continue. */
import { Component, type ReactNode } from "react";
import "./widgets.css";
import "./error_boundary.css";

interface State {
  error?: Error;
}

export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  state: State = {};

  /** React takes anything that is thrown, also what is no Error. */
  static getDerivedStateFromError(thrown: unknown): State {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  render() {
    const { error } = this.state;
    return error ? <Failure error={error} /> : this.props.children;
  }
}

export function Failure({ error }: { error: Error }) {
  return (
    <main className="failure" role="alert">
      <h1>This page cannot be shown</h1>
      <p>
        Something in it went wrong: <code>{error.message || error.name}</code>. What you have edited is kept in this
        browser as a draft, and saved documents and runs are as they were.
      </p>
      <p>
        <button type="button" className="button button-main" onClick={() => location.reload()}>
          Reload the page
        </button>
      </p>
      <details>
        <summary>For a report of this error</summary>
        <pre>{error.stack ?? String(error)}</pre>
      </details>
    </main>
  );
}
