/** Forms for our own hints, made from the server's schema: how Airflow runs a step, when a workflow runs, what has versions. */
import { hintFields, removeHint, setHint } from "../document/edits";
import type { Fields, Path } from "../document/value";
import { Section } from "../look/widgets";
import { SelectField } from "./fields";
import { type Schema, SchemaForm } from "./SchemaForm";
import type { Session, State } from "./session";

export interface HintSchema {
  $defs: Record<string, Schema & { tool?: string }>;
}

export type Place = "workflow" | "step" | "tool";

const OWN_SECTION = ["Dag", "Task", "Data"];

export function Hints({
  session,
  state,
  schema,
  place,
  owner,
  kind,
}: {
  session: Session;
  state: State;
  schema: HintSchema | undefined;
  place: Place;
  owner: { fields: Fields; path: Path };
  /** The operator that the tool of a step names. */
  kind: string;
}) {
  if (!schema) return null;
  const shown = OWN_SECTION.filter((name) => schema.$defs[name]?.places?.includes(place));
  return (
    <>
      {shown.map((name) => {
        const hint = `mlcraft:${name}`;
        const value = hintFields(owner.fields["hints"], hint) ?? {};
        return (
          <Section
            key={name}
            title={schema.$defs[name]!.title ?? name}
            open={Object.keys(value).length > 0}
            aside={count(value)}
          >
            <SchemaForm
              schema={schema.$defs[name]!}
              value={value}
              place={place}
              readOnly={!state.editable}
              onChange={(key, next) =>
                session.change((now) => setHint(now.document.value, owner, hint, { [key]: next }))
              }
            />
          </Section>
        );
      })}
      {place !== "workflow" && <Operator session={session} state={state} schema={schema} owner={owner} kind={kind} />}
    </>
  );
}

function count(value: Fields): string {
  const set = Object.keys(value).filter((key) => key !== "class").length;
  return set ? `${set} set` : "";
}

function Operator({
  session,
  state,
  schema,
  owner,
  kind,
}: {
  session: Session;
  state: State;
  schema: HintSchema;
  owner: { fields: Fields; path: Path };
  kind: string;
}) {
  const kinds = Object.entries(schema.$defs).filter(([name]) => !OWN_SECTION.includes(name));
  const now = kinds.find(([name]) => hintFields(owner.fields["hints"], `mlcraft:${name}`))?.[0] ?? "";
  const byTool = kind && !now ? (schema.$defs[kind.replace("mlcraft:", "")]?.title ?? kind) : "";
  return (
    <Section title="Operator" aside={now || byTool} open={now !== ""}>
      <SelectField
        label="Kind of step"
        disabled={!state.editable}
        value={now}
        choices={[
          { value: "", label: byTool ? `${byTool} (from its tool)` : "any command" },
          ...kinds.map(([name, one]) => ({ value: name, label: one.title ?? name })),
        ]}
        hint={now ? schema.$defs[now]?.description : "A kind tracks its run, and shows what it has measured."}
        onChange={(next) =>
          session.change((state) => {
            const gone = now ? removeHint(owner, `mlcraft:${now}`) : [];
            const root = state.document.value;
            if (!next) return gone;
            if (!now) return setHint(root, owner, `mlcraft:${next}`, {}, { stay: true });
            const hints = owner.fields["hints"];
            // Replaces one hint by the other, at the same place.
            if (Array.isArray(hints)) {
              const index = hints.findIndex((one) => (one as Fields)?.["class"] === `mlcraft:${now}`);
              return [{ do: "set", path: [...owner.path, "hints", index, "class"], value: `mlcraft:${next}` }];
            }
            return [{ do: "rename", path: [...owner.path, "hints", `mlcraft:${now}`], key: `mlcraft:${next}` }];
          })
        }
      />
    </Section>
  );
}
