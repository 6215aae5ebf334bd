/** Find a step by its name, its tool or the name of an input or output. */
import { type Ref, useId, useMemo, useState } from "react";
import type { Graph, GraphNode } from "../graph/model";
import { Icon } from "../look/Icon";

const SHOWN = 12;

interface Entry {
  key: string;
  name: string;
  where: string;
  text: string;
}

export function Search({
  graph,
  onFound,
  ref,
}: {
  graph: Graph;
  onFound: (key: string) => void;
  ref: Ref<HTMLInputElement>;
}) {
  const [words, setWords] = useState("");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const list = useId();
  const entries = useMemo(() => [...entriesOf(graph)], [graph]);
  const found = useMemo(() => search(entries, words), [entries, words]);
  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    setOpen(false);
    setWords("");
    onFound(entry.key);
  };
  const shown = open && words.trim() !== "";
  return (
    <div className="search" onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setOpen(false)}>
      <Icon name="search" size={14} />
      <input
        ref={ref}
        className="field"
        type="search"
        placeholder="Find a step ( / )"
        aria-label="Find a step"
        role="combobox"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={shown && found[active] ? `${list}-${active}` : undefined}
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setOpen(true);
          setActive(0);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setActive(Math.min(active + 1, found.length - 1));
          else if (event.key === "ArrowUp") setActive(Math.max(active - 1, 0));
          else if (event.key === "Enter") choose(found[active]);
          else if (event.key === "Escape" && words) setWords("");
          else return;
          event.preventDefault();
        }}
      />
      <ul className="search-list" id={list} role="listbox" aria-label="Steps found" hidden={!shown}>
        {found.map((entry, index) => (
          // The keys are those of the field, which names the active option (aria-activedescendant).
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <li
            key={entry.key}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(entry)}
          >
            <span>{entry.name}</span>
            <small>{entry.where}</small>
          </li>
        ))}
        {!found.length && (
          <li role="option" aria-selected="false" aria-disabled="true" className="search-none">
            No step, input or output of that name
          </li>
        )}
      </ul>
    </div>
  );
}

function* entriesOf(graph: Graph, within = ""): Iterable<Entry> {
  for (const node of graph.nodes) {
    if (within && node.kind !== "step") continue;
    yield {
      key: node.key,
      name: node.label,
      where: [within, about(node)].filter(Boolean).join(" · "),
      text: `${node.label} ${node.id} ${node.tool?.name ?? ""}`.toLowerCase(),
    };
    if (node.inside) yield* entriesOf(node.inside, within ? `${within} / ${node.label}` : node.label);
  }
}

function about(node: GraphNode): string {
  return node.kind === "step"
    ? (node.tool?.name ?? "step")
    : `${node.kind}, ${node.inputs[0]?.type ?? node.outputs[0]?.type ?? ""}`;
}

/** Those that have all words; those that begin with them first. */
export function search(entries: readonly Entry[], words: string): Entry[] {
  const wanted = words.trim().toLowerCase().split(/\s+/);
  const begins = (entry: Entry) => (entry.text.startsWith(wanted[0]!) ? 0 : 1);
  return entries
    .filter((entry) => wanted.every((word) => entry.text.includes(word)))
    .sort((a, b) => begins(a) - begins(b))
    .slice(0, SHOWN);
}
