/** The workflow builder. */
import { createRoot } from "react-dom/client";
import { ErrorBoundary } from "../look/ErrorBoundary";
import { followTheme } from "../look/theme";
import { App } from "./App";

followTheme();
createRoot(document.getElementById("root")!).render(
  <ErrorBoundary>
    <App />
  </ErrorBoundary>,
);
