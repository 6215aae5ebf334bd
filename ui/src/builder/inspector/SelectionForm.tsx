/** The form of several nodes. */
import * as edits from "../../document/edits";
import { IconButton } from "../../look/widgets";
import { FormHead } from "./FormHead";
import { AlignButtons } from "./AlignButtons";
import type { InspectorProps } from "./props";

export function SelectionForm({ session, state, keys, standing }: InspectorProps & { keys: string[] }) {
  return (
    <aside className="inspector" aria-label="Selection">
      <FormHead kind="Selection" name={`${keys.length} selected`}>
        {state.editable && (
          <IconButton
            name="Remove them"
            icon="trash"
            onClick={() => session.edit((now) => edits.remove(now, keys), [])}
          />
        )}
      </FormHead>
      {state.editable && (
        <div className="inspector-pad">
          <AlignButtons
            places={standing().filter((one) => keys.includes(one.key))}
            onMove={(moves) => session.edit((now) => edits.move(now, moves))}
          />
        </div>
      )}
    </aside>
  );
}
