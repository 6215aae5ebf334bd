/** The actions of the builder's keys and buttons on a workflow. */
import { copyShippedDocument } from "../api/documents";
import type { DocumentEntry } from "../api/types";
import { type Way, connectBy, connectionWay } from "../document/connecting";
import * as edits from "../document/edits";
import { parseKey, positionOf } from "../document/graph";
import { freeName } from "../document/items";
import { type CwlType, readType, formatType } from "../document/types";
import { type Workflow, linkOf, portIn, sourceOf, stepOf, inputType } from "../document/workflow";
import type { End, Fit, GraphHandle } from "../graph";
import type { GraphEdge, Position } from "../graph/model";
import { faceOfEntry, relativePath } from "./library";
import { rank } from "./ranking";
import type { Session } from "./session";

export interface Connection {
  from: edits.Where;
  to: edits.Where;
}

/** Ends of a connection as places in the document; only the outermost level can be edited. */
export function placesOf(from: End, to: End): Connection | undefined {
  const [source, target] = [parseKey(from.node), parseKey(to.node)];
  if (!source || !target || source.kind === "output" || target.kind === "input") return undefined;
  return {
    from: source.kind === "input" ? { step: "", port: source.id } : { step: source.id, port: from.port },
    to: target.kind === "output" ? { step: "", port: target.id } : { step: target.id, port: to.port },
  };
}

export function fitOf(workflow: Workflow | undefined, from: End, to: End): Fit {
  const places = workflow && placesOf(from, to);
  const way = places && connectionWay(workflow, places.from, places.to);
  return way === "scatter" ? "scatters" : way ? "fits" : undefined;
}

export function connect(session: Session, { from, to }: Connection, way: Way): void {
  session.edit((workflow) => connectBy(workflow, from, to, way));
}

export function formatPort(where: edits.Where): string {
  return where.step ? `${where.step}/${where.port}` : where.port;
}

/** The text of the offer to scatter. */
export function scatterQuestion(workflow: Workflow, { from, to }: Connection): { title: string; text: string } {
  const step = stepOf(workflow, to.step);
  const list = formatType(sourceOf(workflow, from).type);
  const one = step ? formatType(inputType(step, to.port)) : "";
  return {
    title: `Run ${to.step} for each item?`,
    text: `${formatPort(from)} is a list (${list}), and ${to.port} of ${to.step} takes one ${one}. Scattered, the step runs once for each item, at the same time where it can, and its outputs become lists.`,
  };
}

/** Every connection that a node could get, the likeliest first, for use without a mouse. */
export function connectionsOf(
  workflow: Workflow,
  key: string,
): { connection: Connection; way: Way; label: string; note: string }[] {
  const node = parseKey(key);
  if (!node) return [];
  const sources: edits.Where[] = [
    ...workflow.inputs.map((one) => ({ step: "", port: one.id })),
    ...workflow.steps.flatMap((one) => (one.face?.outputs ?? []).map((port) => ({ step: one.id, port: port.id }))),
  ];
  const targets: edits.Where[] = [
    ...workflow.steps.flatMap((one) => (one.face?.inputs ?? []).map((port) => ({ step: one.id, port: port.id }))),
    ...workflow.outputs.map((one) => ({ step: "", port: one.item.id })),
  ];
  const own = (where: edits.Where, kind: "input" | "output") =>
    node.kind === "step" ? where.step === node.id : node.kind === kind && where.step === "" && where.port === node.id;
  const found = sources.flatMap((from) =>
    targets.flatMap((to) => {
      if (!own(from, "input") && !own(to, "output")) return [];
      const way = connectionWay(workflow, from, to);
      if (!way) return [];
      const type = formatType(sourceOf(workflow, from).type);
      const place = rank({
        way,
        from: { port: from.port, type },
        to: { port: to.port, type: formatType(typeInto(workflow, to)) },
        ...needOf(workflow, to),
      });
      return [
        {
          place,
          connection: { from, to },
          way,
          label: `${formatPort(from)} → ${formatPort(to)}`,
          note: way === "scatter" ? `for each of ${type}` : way === "collect" ? `${type}, into the list` : type,
        },
      ];
    }),
  );
  return found.sort((one, other) => one.place - other.place);
}

function typeInto(workflow: Workflow, to: edits.Where): CwlType | undefined {
  const step = stepOf(workflow, to.step);
  return step
    ? inputType(step, to.port)
    : readType(workflow.outputs.find((one) => one.item.id === to.port)?.item.fields["type"]);
}

function needOf(workflow: Workflow, to: edits.Where): { taken: boolean; required: boolean } {
  const step = stepOf(workflow, to.step);
  const link = step ? linkOf(step, to.port) : workflow.outputs.find((one) => one.item.id === to.port);
  const hasValue = (link?.item.fields["default"] ?? null) !== null && !!step;
  return { taken: !!link?.sources.length || hasValue, required: !step || !!portIn(step, to.port)?.required };
}

/** Adds a step that runs a document; a shipped document is copied into the folder first. */
export async function addStep(
  session: Session,
  entry: DocumentEntry,
  position: Position | undefined,
  refresh: () => Promise<unknown>,
): Promise<void> {
  let path = entry.path;
  if (entry.origin === "shipped" && path.startsWith("shipped:")) {
    path = (await copyShippedDocument(path)).path;
    await refresh();
  }
  const { workflow, path: from } = session.state;
  if (!workflow) return;
  const id = freeName(entry.name.replace(/\.\w+$/, ""), edits.idsOf(workflow));
  const label = entry.label ?? undefined;
  session.edit(
    (now) =>
      edits.addStep(now, {
        id,
        run: relativePath(from, path),
        face: faceOfEntry(entry),
        position,
        ...(label ? { label } : {}),
      }),
    [`step:${id}`],
  );
}

export function addEnd(session: Session, kind: "input" | "output", position: Position | undefined): void {
  const { workflow } = session.state;
  if (!workflow) return;
  const id = freeName(kind, edits.idsOf(workflow));
  session.edit(
    (now) =>
      kind === "input"
        ? edits.addInput(now, id, { type: "File" }, position)
        : edits.addOutput(now, id, { type: "File" }, position),
    [`${kind}:${id}`],
  );
}

export function removeKeys(session: Session, keys: readonly string[], allEdges: readonly GraphEdge[]): void {
  const edges = allEdges
    .filter((edge) => keys.includes(edge.key))
    .flatMap((edge) => placesOf(edge.from, edge.to) ?? []);
  session.edit(
    (workflow) =>
      edits.remove(
        workflow,
        keys.filter((key) => parseKey(key)),
        edges,
      ),
    [],
  );
}

const MARK = "mlcraft-clip";
/** The minimal distance of a copy from the original. */
const ASIDE: Position = { x: 40, y: 40 };

export function copySelection(session: Session): string | undefined {
  const { workflow, selection } = session.state;
  const keys = [...selection].filter((key) => parseKey(key));
  return workflow && keys.length ? JSON.stringify({ [MARK]: edits.copy(workflow, keys) }) : undefined;
}

export function pasteText(session: Session, text: string, handle: GraphHandle | null): boolean {
  let clip: edits.Clip;
  try {
    clip = (JSON.parse(text) as Record<string, edits.Clip>)[MARK]!;
  } catch {
    return false;
  }
  const { workflow } = session.state;
  if (!isClip(clip) || !workflow) return false;
  const copies = (["steps", "inputs", "outputs"] as const).flatMap((kind) =>
    clip[kind].flatMap(({ id, fields }) => {
      const position = positionOf(fields);
      return position ? [{ key: `${kind.slice(0, -1)}:${id}`, position }] : [];
    }),
  );
  const { changes, keys } = edits.paste(workflow, clip, handle?.freeShift(copies, ASIDE) ?? ASIDE);
  return session.edit(() => changes, keys);
}

function isClip(clip: unknown): clip is edits.Clip {
  const lists = clip as Partial<edits.Clip> | undefined;
  return [lists?.steps, lists?.inputs, lists?.outputs, lists?.links].every(Array.isArray);
}
