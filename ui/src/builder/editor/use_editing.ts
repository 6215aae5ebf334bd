/** Edits of the workflow by the drawing, the palette and keys. */
import { type RefObject, useCallback } from "react";
import type { DocumentEntry } from "../../api/types";
import type { Way } from "../../document/connecting";
import * as edits from "../../document/edits";
import type { Workflow } from "../../document/workflow";
import type { End, GraphHandle, Move } from "../../graph";
import type { Position } from "../../graph/model";
import { type Connection, addEnd, addStep, connect, connectionsOf, fitOf, formatPort, placesOf } from "../actions";
import type { Session } from "../session";
import { faceOfEntry } from "../library";
import { nextPlace, sizeOfStep } from "./next_place";
import type { Requests } from "./use_requests";
import type { OpenWindow } from "./window";

export interface Editing {
  /** A step that runs a document. */
  add: (entry: DocumentEntry, position?: Position) => void;
  addPort: (kind: "input" | "output") => void;
  move: (moves: readonly Move[]) => void;
  tidy: () => void;
  /** Connects two ends of the picture, if they fit. */
  onConnect: (from: End, to: End) => void;
  /** Connects at once, or opens the question whether to scatter. */
  offer: (connection: Connection, way: Way | undefined) => void;
}

export function useEditing(
  session: Session,
  handle: RefObject<GraphHandle | null>,
  { attempt }: Requests,
  open: OpenWindow,
  refresh: () => Promise<unknown>,
): Editing {
  const add = useCallback(
    (entry: DocumentEntry, position?: Position) =>
      void attempt("", () => {
        const size = sizeOfStep(faceOfEntry(entry));
        const place = position
          ? (handle.current?.free(size, position) ?? position)
          : nextPlace(handle.current, session, "step", size);
        return addStep(session, entry, place, refresh);
      }),
    [session, handle, attempt, refresh],
  );
  const addPort = useCallback(
    (kind: "input" | "output") => addEnd(session, kind, nextPlace(handle.current, session, kind)),
    [session, handle],
  );
  const move = useCallback((moves: readonly Move[]) => void session.edit((now) => edits.move(now, moves)), [session]);

  const tidy = useCallback(() => {
    const moves = handle.current?.tidied() ?? [];
    session.edit((now) => edits.move(now, moves));
    requestAnimationFrame(() => handle.current?.fit());
  }, [session, handle]);

  const offer = useCallback(
    (connection: Connection, way: Way | undefined) => {
      if (way === "scatter") open({ name: "scatter", connection });
      else if (way) connect(session, connection, way);
    },
    [session, open],
  );

  const onConnect = useCallback(
    (from: End, to: End) => {
      const { workflow } = session.state;
      const connection = placesOf(from, to);
      if (!workflow || !connection) return;
      const fit = fitOf(workflow, from, to);
      offer(connection, fit === "scatters" ? "scatter" : fit ? connectionWay(workflow, connection) : undefined);
    },
    [session, offer],
  );

  return { add, addPort, move, tidy, onConnect, offer };
}

function connectionWay(workflow: Workflow, connection: Connection): Way | undefined {
  return connectionsOf(
    workflow,
    connection.to.step ? `step:${connection.to.step}` : `output:${connection.to.port}`,
  ).find(
    (one) =>
      formatPort(one.connection.from) === formatPort(connection.from) &&
      formatPort(one.connection.to) === formatPort(connection.to),
  )?.way;
}
