/** The problems of one node. */
import { Icon } from "../../look/Icon";
import type { State } from "../session";

export function Findings({ state, of }: { state: State; of: string }) {
  const found = state.findings.filter((one) => one.key === of);
  if (!found.length) return null;
  return (
    <ul className="findings" aria-label="Problems">
      {found.map((one) => (
        <li key={one.message} className={one.severity}>
          <Icon name="warning" size={14} />
          {one.message}
        </li>
      ))}
    </ul>
  );
}
