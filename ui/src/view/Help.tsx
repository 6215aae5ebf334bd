/** The keys that work in the picture. */
import { useEffect, useRef } from "react";
import { IconButton } from "../look/widgets";

const KEYS: [string, string][] = [
  ["← → ↑ ↓", "to the next step in that direction"],
  ["Enter", "show the step's details"],
  ["o", "open or close a sub-workflow in place"],
  ["/", "find a step"],
  ["+  −", "zoom"],
  ["0", "show all"],
  ["Esc", "close the details"],
];

export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-label="Keys"
      onClose={onClose}
      onPointerDown={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <div className="panel-head">
        <h2>Keys</h2>
        <IconButton name="Close" icon="close" onClick={() => dialog.current?.close()} />
      </div>
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
