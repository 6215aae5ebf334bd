/** The items of a scatter: thousands of them cost no more than those that are seen. */
import { useEffect, useMemo, useRef, useState } from "react";
import type { StepItem } from "../api/types";
import { stateWord } from "../look/states";
import { duration, seconds } from "../look/time";

const ROW = 30;
const SHOWN = 5;

export function Items({
  items,
  chosen,
  onChoose,
}: {
  items: readonly StepItem[];
  chosen: number | undefined;
  onChoose: (index: number) => void;
}) {
  const [only, setOnly] = useState("");
  const [top, setTop] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  const states = useMemo(() => [...new Set(items.map((item) => item.state ?? "none"))], [items]);
  const found = useMemo(() => (only ? items.filter((item) => (item.state ?? "none") === only) : items), [items, only]);
  const first = Math.max(0, Math.floor(top / ROW) - 3);
  const seen = found.slice(first, first + SHOWN + 7);
  const at = found.findIndex((item) => item.map_index === chosen);

  useEffect(() => {
    const list = frame.current;
    if (!list || at < 0) return;
    if (at * ROW < list.scrollTop) list.scrollTop = at * ROW;
    else if ((at + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * ROW - list.clientHeight;
  }, [at]);

  return (
    <div className="items">
      {states.length > 1 && (
        <select
          className="field items-only"
          aria-label="Which items"
          value={only}
          onChange={(event) => setOnly(event.target.value)}
        >
          <option value="">All {items.length} items</option>
          {states.map((state) => (
            <option key={state} value={state}>
              {stateWord(state)}: {items.filter((item) => (item.state ?? "none") === state).length}
            </option>
          ))}
        </select>
      )}
      <div
        className="items-list"
        ref={frame}
        role="listbox"
        aria-label="Items"
        tabIndex={0}
        style={{ maxHeight: ROW * SHOWN }}
        aria-activedescendant={at < 0 ? undefined : `item-${chosen}`}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onKeyDown={(event) => {
          const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: found.length - 1 }[event.key];
          if (next === undefined) return;
          event.preventDefault();
          const item = found[Math.max(0, Math.min(found.length - 1, next))];
          if (item) onChoose(item.map_index);
        }}
      >
        <div role="presentation" style={{ height: first * ROW }} />
        {seen.map((item) => (
          // The keys are those of the list, which names its active option (aria-activedescendant).
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            key={item.map_index}
            id={`item-${item.map_index}`}
            role="option"
            aria-selected={item.map_index === chosen}
            className={`item state-${item.state ?? "none"}`}
            onClick={() => onChoose(item.map_index)}
          >
            <i className="state-dot" />
            <span className="item-label" title={item.label}>
              {item.label}
            </span>
            {item.tries > 1 && <span className="item-tries">{item.tries} tries</span>}
            <span className="item-time">{timeOf(item)}</span>
            <span className="hidden-text">{stateWord(item.state ?? "none")}</span>
          </div>
        ))}
        <div role="presentation" style={{ height: Math.max(0, found.length - first - seen.length) * ROW }} />
      </div>
    </div>
  );
}

function timeOf(item: StepItem): string {
  return item.end ? duration(seconds(item.start ?? undefined, item.end, 0)) : stateWord(item.state ?? "none");
}
