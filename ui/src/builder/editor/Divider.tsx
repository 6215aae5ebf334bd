/** The edge of a panel: dragged, or moved by arrow keys, it makes the panel wider; its button folds the panel away. */
import { useRef } from "react";
import { Icon } from "../../look/Icon";
import { LIMITS, type Panel, type Panels } from "./use_panels";

const STEP = 20;

export function Divider({ panel, name, panels }: { panel: Panel; name: string; panels: Panels }) {
  const which = panel === "palette" ? "palette" : "side";
  const folded = panels.folded[which];
  const width = panels.widths[panel];
  // The palette grows to the right, what is on the right to the left.
  const outwards = panel === "palette" ? 1 : -1;
  const from = useRef<{ x: number; width: number }>(undefined);
  const label = `${folded ? "Show" : "Hide"} ${name}`;
  return (
    <div className={`divider divider-${which} ${folded ? "divider-folded" : ""}`}>
      {!folded && (
        // A separator that can be focused is a widget (ARIA: window splitter).
        // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
        <div
          className="divider-line"
          role="separator"
          aria-orientation="vertical"
          tabIndex={0}
          aria-label={`Width of ${name}`}
          aria-valuenow={width}
          aria-valuemin={LIMITS[panel].least}
          aria-valuemax={LIMITS[panel].most}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            from.current = { x: event.clientX, width };
          }}
          onPointerMove={(event) => {
            if (from.current) panels.resize(panel, from.current.width + (event.clientX - from.current.x) * outwards);
          }}
          onPointerUp={() => {
            from.current = undefined;
          }}
          onLostPointerCapture={() => {
            from.current = undefined;
          }}
          onKeyDown={(event) => {
            const by = { ArrowRight: STEP, ArrowLeft: -STEP }[event.key];
            if (by === undefined) return;
            event.preventDefault();
            panels.resize(panel, width + by * outwards);
          }}
        />
      )}
      <button
        type="button"
        className="divider-button"
        aria-label={label}
        title={label}
        aria-expanded={!folded}
        onClick={() => panels.fold(which, !folded)}
      >
        <Icon name={(panel === "palette") === folded ? "right" : "left"} size={11} />
      </button>
    </div>
  );
}
