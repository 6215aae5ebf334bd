/** Forms for what is selected: a step, an input, an output, several of them, or the workflow itself. */
import "./inspector.css";
import * as edits from "../document/edits";
import { ofKey } from "../document/graph";
import { freeName, nameFlaw } from "../document/items";
import { docText, runName } from "../document/process";
import { connection, readType, shown } from "../document/types";
import { type Fields, type Path, type Value, isFields, list, text } from "../document/value";
import { type Link, type StepModel, type Workflow, givenBy, linkOf, sourceOf, stepOf, takenBy } from "../document/workflow";
import { Icon } from "../look/Icon";
import { Button, IconButton, Section } from "../look/widgets";
import { type Choice, CheckField, Options, SelectField, TextField, TypeField, ValueField } from "./fields";
import { type HintSchema, Hints } from "./Hints";
import { LineUp } from "./LineUp";
import type { Session, State } from "./session";
import { useState } from "react";

export interface InspectorProps {
  session: Session;
  state: State;
  schema: HintSchema | undefined;
  onOpen(path: string): void;
  onConnect(): void;
  standing(): readonly { key: string; position: { x: number; y: number } }[];
}

export function Inspector(props: InspectorProps) {
  const { state } = props;
  const keys = [...state.selection].filter((key) => ofKey(key));
  const { workflow } = state;
  if (!workflow) return null;
  if (keys.length > 1) return <Several {...props} keys={keys} />;
  const named = keys[0] === undefined ? undefined : ofKey(keys[0]);
  const step = named?.kind === "step" ? stepOf(workflow, named.id) : undefined;
  if (step) return <StepForm key={keys[0]} {...props} workflow={workflow} step={step} />;
  if (named?.kind === "input") return <InputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  if (named?.kind === "output") return <OutputForm key={keys[0]} {...props} workflow={workflow} id={named.id} />;
  return <WorkflowForm {...props} workflow={workflow} />;
}

function Head({ kind, name, children }: { kind: string; name: string; children?: React.ReactNode }) {
  return (
    <header className="inspector-head">
      <h2 title={name}>{name}</h2>
      <span className="inspector-kind">{kind}</span>
      {children}
    </header>
  );
}

function Findings({ state, of }: { state: State; of: string }) {
  const found = state.findings.filter((one) => one.key === of);
  if (!found.length) return null;
  return (
    <ul className="findings" aria-label="Problems">
      {found.map((one) => <li key={one.message} className={one.severity}><Icon name="warning" size={14} />{one.message}</li>)}
    </ul>
  );
}

/** Name, label and description, which steps, inputs and outputs have alike. */
function Names({ session, state, keyOf, id, fields, main, path }: { session: Session; state: State; keyOf: string; id: string; fields: Fields; main: string; path: Path }) {
  const { workflow, editable } = state;
  if (!workflow) return null;
  const kind = ofKey(keyOf)!.kind;
  const taken = (kind === "step" ? workflow.steps.map((one) => one.id) : kind === "input" ? workflow.inputs.map((one) => one.id) : workflow.outputs.map((one) => one.item.id));
  const set = (key: string, value: string) => session.edit((now) => {
    const item = edits.itemOfKey(now, keyOf);
    return item ? edits.setFields(item, main, { [key]: value || undefined }) : [];
  });
  return (
    <>
      <TextField label="Name" mono disabled={!editable} value={id}
        check={(typed) => nameFlaw(typed) ?? (taken.includes(typed) && typed !== id ? `There is another ${kind} called ${typed}.` : undefined)}
        onChange={(typed) => session.edit((now) => edits.rename(now, keyOf, typed), [`${kind}:${typed}`])} />
      <TextField label="Label" disabled={!editable} value={text(fields["label"])} placeholder={id} onChange={(typed) => set("label", typed)} />
      <TextField label="Description" lines={2} disabled={!editable} value={docText(fields["doc"])} onChange={(typed) => set("doc", typed)} key={path.join("/")} />
    </>
  );
}

function StepForm({ session, state, workflow, step, schema, onOpen, onConnect }: InspectorProps & { workflow: Workflow; step: StepModel }) {
  const { editable } = state;
  const key = `step:${step.id}`;
  const fields = step.item.fields;
  const ports = [...(step.face?.inputs.map((one) => one.id) ?? []), ...step.links.map((one) => one.item.id).filter((id) => !step.face?.inputs.some((one) => one.id === id))];
  const target = step.found && !step.found.path.startsWith("shipped:") ? step.found.path : undefined;
  const edit = (make: (now: Workflow, step: StepModel) => ReturnType<typeof edits.setWhen>) => session.edit((now) => {
    const current = stepOf(now, step.id);
    return current ? make(now, current) : [];
  });
  return (
    <aside className="inspector" aria-label={`Step ${step.id}`}>
      <Head kind={step.face?.kind || "Step"} name={text(fields["label"]) || step.id}>
        {editable && <IconButton name="Connect… (c)" icon="link" onClick={onConnect} />}
        {editable && <IconButton name="Remove the step" icon="trash" onClick={() => session.edit((now) => edits.remove(now, [key]), [])} />}
      </Head>
      <div className="inspector-pad">
        <Findings state={state} of={key} />
        <Names session={session} state={state} keyOf={key} id={step.id} fields={fields} main="run" path={step.item.path} />
        <div className="row">
          <span className="row-title">Runs</span>
          <div className="buttons">
            <code className="runs">{runName(step.run) || "nothing yet"}</code>
            {target && <Button icon="edit" onClick={() => onOpen(target)}>Open</Button>}
          </div>
          {step.face?.doc && <p className="row-hint">{step.face.doc}</p>}
        </div>
      </div>
      <Section title="Inputs" aside={ports.length}>
        <ul className="links">
          {ports.map((port) => <PortCard key={port} session={session} workflow={workflow} step={step} port={port} editable={editable} />)}
        </ul>
      </Section>
      <Section title="Outputs" aside={step.face?.outputs.length ?? step.out.length} open={false}>
        <ul className="links">
          {(step.face?.outputs ?? []).map((port) => {
            const used = workflow.outputs.some((one) => one.sources.some((source) => source.step === step.id && source.port === port.id));
            return (
              <li key={port.id} className="port-card">
                <div className="port-card-head">
                  <span className="port-card-name" title={port.doc}>{port.id}<small>{shown(givenBy(step, port.id))}</small></span>
                  {editable && !used && (
                    <Button onClick={() => session.edit((now) => edits.addOutputFor(now, step.id, port.id))}>Make an output</Button>
                  )}
                </div>
              </li>
            );
          })}
        </ul>
      </Section>
      <Section title="Scatter and condition" open={step.scatter.length > 0 || step.when !== ""}>
        <p className="row-hint">A scatter runs the step for each item of a list. Tick the inputs:</p>
        <div className="ticks">
          {step.links.map(({ item }) => (
            <label key={item.id} className="tick">
              <input type="checkbox" disabled={!editable} checked={step.scatter.includes(item.id)}
                onChange={(event) => edit((now, current) => edits.setScatter(now, current, event.target.checked ? [...current.scatter, item.id] : current.scatter.filter((one) => one !== item.id), current.scatterMethod))} />
              {item.id}
            </label>
          ))}
        </div>
        {step.scatter.length > 1 && (
          <SelectField label="Several lists" disabled={!editable} value={step.scatterMethod} choices={METHODS}
            onChange={(method) => edit((now, current) => edits.setScatter(now, current, current.scatter, method))} />
        )}
        <TextField label="Runs only when" mono disabled={!editable} value={step.when} placeholder="$(inputs.go)" check={expressionFlaw}
          hint="An expression of this step's inputs; without it, the step always runs."
          onChange={(typed) => edit((now, current) => edits.setWhen(now, current, typed.trim()))} />
      </Section>
      <Hints session={session} state={state} schema={schema} place="step" owner={{ fields, path: step.item.path }} kind={step.face?.hint ?? ""} />
    </aside>
  );
}

const METHODS: Choice[] = [
  { value: "dotproduct", label: "first with first, second with second (dotproduct)" },
  { value: "flat_crossproduct", label: "each with each, one list (flat_crossproduct)" },
  { value: "nested_crossproduct", label: "each with each, lists of lists (nested_crossproduct)" },
];

const MERGES: Choice[] = [
  { value: "", label: "a list of the values" },
  { value: "merge_nested", label: "a list of the values (merge_nested)" },
  { value: "merge_flattened", label: "lists put together (merge_flattened)" },
];

const PICKS: Choice[] = [
  { value: "", label: "all, nulls too" },
  { value: "first_non_null", label: "the first that is not null" },
  { value: "the_only_non_null", label: "the only one that is not null" },
  { value: "all_non_null", label: "all that are not null" },
];

function expressionFlaw(typed: string): string | undefined {
  if (!typed.trim() || /\$[({]/.test(typed)) return undefined;
  return "An expression is needed, such as $(inputs.count > 3).";
}

/** What may go into an input, best first. */
function sourcesFor(workflow: Workflow, step: StepModel | undefined, port: string, type: ReturnType<typeof takenBy>, link: Link | undefined): Choice[] {
  const known = new Set(link?.sources.map((one) => `${one.step}/${one.port}`));
  const all = [
    ...workflow.inputs.map((one) => ({ step: "", port: one.id })),
    ...workflow.steps.filter((one) => one !== step).flatMap((one) => (one.face?.outputs ?? []).map((out) => ({ step: one.id, port: out.id }))),
  ];
  return all.flatMap((source): Choice[] => {
    if (known.has(`${source.step}/${source.port}`)) return [];
    const from = sourceOf(workflow, source).type;
    const fits = connection(from, type);
    if (fits === "no" || (step === undefined && fits === "scatter")) return [];
    const name = source.step ? `${source.step}/${source.port}` : source.port;
    const scatters = fits === "scatter" && !step?.scatter.includes(port);
    return [{ value: `${scatters ? "scatter" : "whole"} ${source.step}/${source.port}`, label: scatters ? `each of ${name}` : name, group: scatters ? "for each item" : source.step ? "from steps" : "from inputs" }];
  });
}

function PortCard({ session, workflow, step, port, editable }: { session: Session; workflow: Workflow; step: StepModel; port: string; editable: boolean }) {
  const link = linkOf(step, port);
  const face = step.face?.inputs.find((one) => one.id === port);
  const [more, setMore] = useState(false);
  const fields = link?.item.fields ?? {};
  const to = { step: step.id, port };
  const valueFrom = text(fields["valueFrom"]);
  const hasDefault = fields["default"] !== undefined && fields["default"] !== null;
  const missing = !!face?.required && !link?.sources.length && !hasDefault && !valueFrom;
  const set = (values: { [key: string]: Value | undefined }) => session.edit((now) => {
    const current = stepOf(now, step.id);
    return current ? edits.setLinkFields(now, current, port, values) : [];
  });
  const choices = sourcesFor(workflow, step, port, takenBy(step, port), link);
  const take = (choice: string) => {
    if (choice === "new") return session.edit((now) => edits.addInputFor(now, step.id, port));
    const [how, name = ""] = choice.split(" ");
    const slash = name.indexOf("/");
    return session.edit((now) => edits.connect(now, { step: name.slice(0, slash), port: name.slice(slash + 1) }, to, how === "scatter"));
  };
  return (
    <li className={`port-card ${missing ? "missing" : ""}`}>
      <div className="port-card-head">
        <span className="port-card-name" title={face?.doc}>{port}<small>{shown(takenBy(step, port))}</small></span>
        {editable && (
          <select className="from-select" aria-label={`Connect ${port} of ${step.id}`} value="" onChange={(event) => take(event.target.value)}>
            <option value="" disabled>connect…</option>
            <option value="new">a new input</option>
            <Options choices={choices} />
          </select>
        )}
        <IconButton name={`${more ? "Less" : "More"} about ${port}`} icon={more ? "fold" : "more"} className="button-small" aria-expanded={more} onClick={() => setMore(!more)} />
      </div>
      {(!!link?.sources.length || hasDefault || valueFrom) && (
        <div className="chips">
          {link?.sources.map((source) => {
            const name = source.step ? `${source.step}/${source.port}` : source.port;
            return (
              <span key={source.written} className="chip"><span title={name}>{step.scatter.includes(port) ? `each of ${name}` : name}</span>
                {editable && <button type="button" aria-label={`Disconnect ${name}`} title="Disconnect" onClick={() => session.edit((now) => edits.disconnect(now, source, to))}><Icon name="close" size={11} /></button>}
              </span>
            );
          })}
          {hasDefault && <span className="chip chip-value"><span>{brief(fields["default"])}</span></span>}
          {valueFrom && <span className="chip chip-value"><span>{valueFrom}</span></span>}
        </div>
      )}
      {more && (
        <div className="port-card-body">
          {face?.doc && <p className="row-hint port-doc">{face.doc}</p>}
          <ValueField label={link?.sources.length ? "Where nothing comes" : "Value"} disabled={!editable} value={fields["default"]} type={face?.type} onChange={(value) => set({ default: value })} />
          <TextField label="Worked out (valueFrom)" mono disabled={!editable} value={valueFrom} placeholder="$(self.basename)" onChange={(typed) => set({ valueFrom: typed || undefined })} />
          {(link?.sources.length ?? 0) > 1 && (
            <SelectField label="Several sources give" disabled={!editable} value={link!.linkMerge} choices={MERGES} onChange={(value) => set({ linkMerge: value || undefined })} />
          )}
          {!!link?.sources.length && (
            <SelectField label="Of several values, take" disabled={!editable} value={link.pickValue} choices={PICKS} onChange={(value) => set({ pickValue: value || undefined })} />
          )}
          <CheckField label="Read the file's text (loadContents)" disabled={!editable} value={fields["loadContents"] === true} onChange={(on) => set({ loadContents: on || undefined })} />
        </div>
      )}
    </li>
  );
}

function brief(value: Value | undefined): string {
  if (isFields(value) && typeof value["location"] === "string") return value["location"];
  return typeof value === "string" ? value : JSON.stringify(value);
}

function InputForm({ session, state, workflow, id }: InspectorProps & { workflow: Workflow; id: string }) {
  const item = workflow.inputs.find((one) => one.id === id);
  if (!item) return null;
  const key = `input:${id}`;
  const { editable } = state;
  const set = (values: { [name: string]: Value | undefined }) => session.edit((now) => {
    const current = edits.itemOfKey(now, key);
    return current ? edits.setFields(current, "type", values) : [];
  });
  return (
    <aside className="inspector" aria-label={`Input ${id}`}>
      <Head kind="Input" name={text(item.fields["label"]) || id}>
        {editable && <IconButton name="Remove the input" icon="trash" onClick={() => session.edit((now) => edits.remove(now, [key]), [])} />}
      </Head>
      <div className="inspector-pad">
        <Findings state={state} of={key} />
        <Names session={session} state={state} keyOf={key} id={id} fields={item.fields} main="type" path={item.path} />
        <TypeField value={item.fields["type"]} disabled={!editable} onChange={(type) => set({ type })} />
        <ValueField label="Default" disabled={!editable} value={item.fields["default"]} type={readType(item.fields["type"])} onChange={(value) => set({ default: value })}
          hint="What a run takes where nothing is given." />
        {/File/.test(shown(readType(item.fields["type"]))) && (
          <TextField label="File format" mono disabled={!editable} value={list(item.fields["format"]).map(text).join(" ")} onChange={(typed) => set({ format: typed || undefined })} />
        )}
      </div>
    </aside>
  );
}

function OutputForm({ session, state, workflow, id }: InspectorProps & { workflow: Workflow; id: string }) {
  const link = workflow.outputs.find((one) => one.item.id === id);
  if (!link) return null;
  const key = `output:${id}`;
  const { editable } = state;
  const to = { step: "", port: id };
  const type = readType(link.item.fields["type"]);
  const set = (values: { [name: string]: Value | undefined }) => session.edit((now) => {
    const current = now.outputs.find((one) => one.item.id === id);
    return current ? edits.setOutputFields(now, current, values) : [];
  });
  const choices = sourcesFor(workflow, undefined, id, type, link);
  return (
    <aside className="inspector" aria-label={`Output ${id}`}>
      <Head kind="Output" name={text(link.item.fields["label"]) || id}>
        {editable && <IconButton name="Remove the output" icon="trash" onClick={() => session.edit((now) => edits.remove(now, [key]), [])} />}
      </Head>
      <div className="inspector-pad">
        <Findings state={state} of={key} />
        <Names session={session} state={state} keyOf={key} id={id} fields={link.item.fields} main="type" path={link.item.path} />
        <TypeField value={link.item.fields["type"]} disabled={!editable} onChange={(value) => set({ type: value })} />
        <div className="row">
          <span className="row-title">Comes from</span>
          <div className="chips chips-plain">
            {link.sources.map((source) => {
              const name = source.step ? `${source.step}/${source.port}` : source.port;
              return (
                <span key={source.written} className="chip"><span>{name}</span>
                  {editable && <button type="button" aria-label={`Disconnect ${name}`} title="Disconnect" onClick={() => session.edit((now) => edits.disconnect(now, source, to))}><Icon name="close" size={11} /></button>}
                </span>
              );
            })}
            {editable && (
              <select className="from-select" aria-label={`Connect ${id}`} value="" onChange={(event) => {
                const name = event.target.value.split(" ")[1] ?? "";
                const slash = name.indexOf("/");
                session.edit((now) => edits.connect(now, { step: name.slice(0, slash), port: name.slice(slash + 1) }, to));
              }}>
                <option value="" disabled>connect…</option>
                <Options choices={choices} />
              </select>
            )}
          </div>
        </div>
        {link.sources.length > 1 && (
          <SelectField label="Several sources give" disabled={!editable} value={link.linkMerge} choices={MERGES} onChange={(value) => set({ linkMerge: value || undefined })} />
        )}
        {link.sources.length > 0 && (
          <SelectField label="Of several values, take" disabled={!editable} value={link.pickValue} choices={PICKS} onChange={(value) => set({ pickValue: value || undefined })} />
        )}
      </div>
    </aside>
  );
}

function Several({ session, state, keys, standing }: InspectorProps & { keys: string[] }) {
  return (
    <aside className="inspector" aria-label="Selection">
      <Head kind="Selection" name={`${keys.length} selected`}>
        {state.editable && <IconButton name="Remove them" icon="trash" onClick={() => session.edit((now) => edits.remove(now, keys), [])} />}
      </Head>
      {state.editable && (
        <div className="inspector-pad">
          <LineUp places={standing().filter((one) => keys.includes(one.key))} onMove={(moves) => session.edit((now) => edits.move(now, moves))} />
        </div>
      )}
    </aside>
  );
}

function WorkflowForm({ session, state, workflow, schema }: InspectorProps & { workflow: Workflow }) {
  const { editable } = state;
  const { fields } = workflow;
  const path = workflow.place.process;
  const set = (key: string, value: Value | undefined) => session.edit(() =>
    value === undefined ? (key in fields ? [{ do: "delete", path: [...path, key] }] : []) : [{ do: "set", path: [...path, key], value, after: ["cwlVersion", "class", "id", "label"] }]);
  const add = (kind: "input" | "output") => {
    const id = freeName(kind, edits.idsOf(workflow));
    session.edit((now) => (kind === "input" ? edits.addInput(now, id, { type: "File" }) : edits.addOutput(now, id, { type: "File" })), [`${kind}:${id}`]);
  };
  const older = workflow.version !== "v1.2";
  return (
    <aside className="inspector" aria-label="Workflow">
      <Head kind={`Workflow ${workflow.version}`} name={text(fields["label"]) || state.path} />
      <div className="inspector-pad">
        <TextField label="Label" disabled={!editable} value={text(fields["label"])} onChange={(typed) => set("label", typed || undefined)} hint="What the DAG is called in Airflow." />
        <TextField label="Description" lines={3} disabled={!editable} value={docText(fields["doc"])} onChange={(typed) => set("doc", typed || undefined)} />
        <SelectField label="CWL version" disabled={!editable} value={workflow.version} choices={["v1.0", "v1.1", "v1.2"].map((value) => ({ value, label: value }))}
          hint={older ? "Conditions and picked values need v1.2." : undefined} onChange={(value) => session.change(() => [{ do: "set", path: ["cwlVersion"], value }])} />
      </div>
      <Section title="Inputs" aside={workflow.inputs.length}>
        <Listed session={session} kind="input" names={workflow.inputs.map((one) => [one.id, shown(readType(one.fields["type"]))])} />
        {editable && <Button icon="plus" onClick={() => add("input")}>Add an input</Button>}
      </Section>
      <Section title="Outputs" aside={workflow.outputs.length}>
        <Listed session={session} kind="output" names={workflow.outputs.map((one) => [one.item.id, shown(readType(one.item.fields["type"]))])} />
        {editable && <Button icon="plus" onClick={() => add("output")}>Add an output</Button>}
      </Section>
      <Hints session={session} state={state} schema={schema} place="workflow" owner={{ fields, path }} kind="" />
    </aside>
  );
}

function Listed({ session, kind, names }: { session: Session; kind: string; names: [string, string][] }) {
  return (
    <ul className="listed">
      {names.map(([id, type]) => (
        <li key={id}><button type="button" onClick={() => session.select(new Set([`${kind}:${id}`]))}><span>{id}</span><code>{type}</code></button></li>
      ))}
    </ul>
  );
}
