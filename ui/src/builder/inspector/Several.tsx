/** The form of several nodes. */
import * as edits from "../../document/edits";
import { IconButton } from "../../look/widgets";
import { Head } from "./Head";
import { LineUp } from "./LineUp";
import type { InspectorProps } from "./props";

export function Several({ session, state, keys, standing }: InspectorProps & { keys: string[] }) {
  return (
    <aside className="inspector" aria-label="Selection">
      <Head kind="Selection" name={`${keys.length} selected`}>
        {state.editable && (
          <IconButton
            name="Remove them"
            icon="trash"
            onClick={() => session.edit((now) => edits.remove(now, keys), [])}
          />
        )}
      </Head>
      {state.editable && (
        <div className="inspector-pad">
          <LineUp
            places={standing().filter((one) => keys.includes(one.key))}
            onMove={(moves) => session.edit((now) => edits.move(now, moves))}
          />
        </div>
      )}
    </aside>
  );
}
