/** The text of the document. The editor is large, so it is loaded when the text is first shown. */
import { lazy, Suspense } from "react";
import type { Problem } from "../api/types";
import { Spinner } from "../look/widgets";

export interface YamlPaneProps {
  text: string;
  problems: readonly Problem[];
  readOnly?: boolean;
  onChange: (text: string) => void;
  /** A place to scroll to; a new object for each time. */
  reveal?: { line: number; column?: number } | undefined;
}

const YamlEditor = lazy(() => import("./YamlEditor"));

export function YamlPane(props: YamlPaneProps) {
  return (
    <Suspense fallback={<Spinner>Opening the editor…</Spinner>}>
      <YamlEditor {...props} />
    </Suspense>
  );
}
