/** The panel beside the drawing with the details of one step, input or output. */
import { useMemo, useState } from "react";
import type { DagGraph, DataVersion, RunState, StepLinks } from "../api/types";
import type { GraphNode, Port, StepState } from "../graph/model";
import { shortType } from "../graph/port_kinds";
import { Icon } from "../look/Icon";
import { stateWord } from "../look/states";
import { duration, seconds, timeOfDay, useNow } from "../look/time";
import { CopyButton, IconButton, OutLink, Section, Spinner, StateBadge } from "../look/widgets";
import { Items } from "./Items";
import { ErrorNotice } from "./ErrorNotice";
import { useDetails } from "./use_details";
import { Value, Values } from "./Values";

interface PanelProps {
  found: DagGraph;
  node: GraphNode;
  run: RunState | undefined;
  runId: string | undefined;
  onClose: () => void;
}

export function StepPanel(props: PanelProps) {
  const { node, run, onClose } = props;
  const state = run?.steps[node.key];
  const kind =
    node.kind === "step"
      ? node.tool?.kind === "Workflow"
        ? "Sub-workflow"
        : "Step"
      : node.kind === "input"
        ? "Input"
        : "Output";
  return (
    <aside className="panel" aria-label={`${kind} ${node.label}`}>
      <div className="panel-head">
        <div>
          <small>
            {kind} <code>{node.id}</code>
          </small>
          <h2>{node.label}</h2>
        </div>
        <IconButton name="Close (Esc)" icon="close" onClick={onClose} />
      </div>
      <div className="panel-body" tabIndex={0} role="region" aria-label="Details">
        {node.problem && (
          <p className="panel-problem">
            <Icon name="warning" />
            {node.problem}
          </p>
        )}
        {state && <Summary state={state} />}
        {node.doc && <p className="panel-doc">{node.doc}</p>}
        {node.kind === "step" && run ? <RunParts {...props} state={state} key={node.key} /> : null}
        {node.kind === "step" ? <DocumentFacts node={node} open={!run} /> : <EndFacts {...props} />}
      </div>
    </aside>
  );
}

function Summary({ state }: { state: StepState }) {
  const now = useNow(state.state === "running");
  const length = duration(seconds(state.start, state.end, now));
  const counts = Object.entries(state.counts).filter(([, count]) => count > 0);
  return (
    <div className="panel-summary">
      <StateBadge state={state.state} />
      {length && <span>{length}</span>}
      {state.start && (
        <span className="faint" title={state.start}>
          from {timeOfDay(state.start)}
        </span>
      )}
      {state.retries > 0 && (
        <span className="panel-retries">
          <Icon name="retry" size={13} />
          {state.retries} {state.retries === 1 ? "retry" : "retries"}
        </span>
      )}
      {(counts.length > 1 || (counts[0]?.[1] ?? 0) > 1) && (
        <span className="panel-counts">
          {counts.map(([each, count]) => `${count} ${stateWord(each).toLowerCase()}`).join(", ")}
        </span>
      )}
    </div>
  );
}

function RunParts({ found, node, runId, state }: PanelProps & { state: StepState | undefined }) {
  const failedFirst = state?.failed?.[0]?.mapIndex;
  const [chosen, setChosen] = useState(failedFirst);
  // The first failed item is selected, unless the user has selected one.
  if (chosen === undefined && failedFirst !== undefined) setChosen(failedFirst);
  const { found: details, error } = useDetails(found.dag_id, runId, node.key, chosen, state);
  // While the details of another item are loaded, the list stays as it was.
  const [lastDetails, setLastDetails] = useState(details);
  if (details && details !== lastDetails) setLastDetails(details);
  const known = useMemo(() => lastDetails?.items.filter((item) => item.map_index >= 0) ?? [], [lastDetails]);
  if (!details && error)
    return <ErrorNotice error={error} dagId={found.dag_id} runId={runId} again={() => setChosen(chosen)} />;
  const item = known.find((each) => each.map_index === chosen);
  return (
    <>
      {known.length > 0 && (
        <Section title="Items" aside={`${known.length}`}>
          <Items items={known} chosen={chosen} onChoose={setChosen} />
        </Section>
      )}
      {item && (
        <p className="panel-item">
          <span>{item.label}</span>
          <StateBadge state={item.state ?? "none"} />
        </p>
      )}
      {!details ? (
        <div className="panel-wait">
          <Spinner />
        </div>
      ) : (
        <>
          <Links links={details.links} />
          {details.command && <Command command={details.command} />}
          {details.log_tail && (
            <Section title="End of the log">
              <Log text={details.log_tail} />
            </Section>
          )}
          {details.inputs && (
            <Section title="Inputs">
              <Values values={details.inputs} none="It takes none." />
            </Section>
          )}
          {details.outputs && (
            <Section title="Outputs">
              <Values values={details.outputs} none="It has made none." />
            </Section>
          )}
          {known.length > 0 && chosen === undefined && (
            <p className="faint panel-hint">Choose an item to see its command line, inputs, outputs and log.</p>
          )}
        </>
      )}
    </>
  );
}

function Links({ links: { task, mlflow, made_by: madeBy, data = [] } }: { links: StepLinks }) {
  if (!task && !mlflow && !madeBy && !data.length) return null;
  return (
    <nav className="panel-links" aria-label="Links">
      {task && <OutLink href={task}>Airflow task</OutLink>}
      {mlflow && <OutLink href={mlflow}>MLflow run</OutLink>}
      {madeBy && <OutLink href={madeBy}>Reused from this run</OutLink>}
      {data.map((version) => (
        <Version key={`${version.output} ${version.path}`} version={version} />
      ))}
    </nav>
  );
}

function Version({ version: { path, commit, href, output } }: { version: DataVersion }) {
  const words = (
    <>
      {path}
      {commit && <code> {commit.slice(0, 8)}</code>}
    </>
  );
  return href ? (
    <OutLink href={href}>{words}</OutLink>
  ) : (
    <span title={output ? `The version of ${output}` : undefined}>{words}</span>
  );
}

function Command({ command }: { command: string }) {
  return (
    <Section title="Command line" action={<CopyButton text={command} name="Copy the command line" />}>
      <pre className="code code-wrap">{command}</pre>
    </Section>
  );
}

function Log({ text }: { text: string }) {
  const atEnd = (element: HTMLPreElement | null) => {
    if (element) element.scrollTop = element.scrollHeight;
  };
  return (
    <pre className="code log" tabIndex={0} role="region" aria-label="End of the log" ref={atEnd}>
      {text}
    </pre>
  );
}

/** The details of a step in the document. */
function DocumentFacts({ node, open }: { node: GraphNode; open: boolean }) {
  return (
    <Section title="In the document" open={open}>
      <dl className="values">
        {node.tool && (
          <Fact name="runs">
            <code>{node.tool.name || node.tool.kind}</code>
            {node.tool.hint && <small> as {node.tool.hint}</small>}
          </Fact>
        )}
        {!!node.scatter?.length && (
          <Fact name="scatter">
            <code>{node.scatter.join(", ")}</code>
            {node.scatterMethod && <small> {node.scatterMethod}</small>}
          </Fact>
        )}
        {node.when && (
          <Fact name="when">
            <code>{node.when}</code>
          </Fact>
        )}
      </dl>
      <Ports title="Inputs" ports={node.inputs} />
      <Ports title="Outputs" ports={node.outputs} />
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Ports({ title, ports }: { title: string; ports: readonly Port[] }) {
  if (!ports.length) return null;
  return (
    <>
      <h4>{title}</h4>
      <dl className="values">
        {ports.map((port) => (
          <Fact key={port.id} name={port.id}>
            <code>{shortType(port.type) || "–"}</code>
            {port.scattered && <small> one at a time</small>}
            {(port.doc ?? port.label) && <small className="block">{port.doc ?? port.label}</small>}
          </Fact>
        ))}
      </dl>
    </>
  );
}

function EndFacts({ found, node }: PanelProps) {
  const port = node.inputs[0] ?? node.outputs[0];
  const given = node.key.includes("/") ? undefined : found.run_inputs.find((each) => each.id === node.id);
  return (
    <Section title="In the document">
      <dl className="values">
        <Fact name="type">
          <code>{port?.type ? shortType(port.type) : "–"}</code>
        </Fact>
        {node.kind === "input" && given && (
          <Fact name="default">
            <Value value={given.default} />
          </Fact>
        )}
      </dl>
    </Section>
  );
}
