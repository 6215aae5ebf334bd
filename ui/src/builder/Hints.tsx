import type { Fields, Path } from "../document/value";
import type { Session, State } from "./session";

export function Hints(_: { session: Session; state: State; schema: unknown; place: "step" | "workflow" | "tool"; owner: { fields: Fields; path: Path }; kind: string }) {
  return null;
}
