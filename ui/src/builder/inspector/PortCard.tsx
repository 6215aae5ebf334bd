/** The card of a step's input: its sources, and how their values are changed. */
import { useState } from "react";
import * as edits from "../../document/edits";
import { formatType } from "../../document/types";
import { type Value, isFields, text } from "../../document/value";
import { type StepModel, type Workflow, linkOf, stepOf, inputType } from "../../document/workflow";
import { Icon } from "../../look/Icon";
import { IconButton } from "../../look/widgets";
import { CheckField, TextField, ValueField } from "../fields";
import type { Session } from "../session";
import { ConnectSelect } from "./ConnectSelect";
import type { InspectorProps } from "./props";
import { MergeFields } from "./MergeFields";

export function PortCard({
  session,
  workflow,
  step,
  port,
  editable,
  nextPlace,
}: {
  session: Session;
  workflow: Workflow;
  step: StepModel;
  port: string;
  editable: boolean;
  nextPlace: InspectorProps["nextPlace"];
}) {
  const link = linkOf(step, port);
  const face = step.face?.inputs.find((one) => one.id === port);
  const [more, setMore] = useState(false);
  const fields = link?.item.fields ?? {};
  const to = { step: step.id, port };
  const valueFrom = text(fields["valueFrom"]);
  const hasDefault = fields["default"] !== undefined && fields["default"] !== null;
  const missing = !!face?.required && !link?.sources.length && !hasDefault && !valueFrom;
  // What nothing goes into has a value of its own, or none: it is edited where it is seen.
  const isConstant = !link?.sources.length && !valueFrom;
  const set = (values: { [key: string]: Value | undefined }) =>
    session.edit((now) => {
      const current = stepOf(now, step.id);
      return current ? edits.setLinkFields(now, current, port, values) : [];
    });
  return (
    <li className={`port-card ${missing ? "missing" : ""}`}>
      <div className="port-card-head">
        <span className="port-card-name" title={face?.doc}>
          {port}
          <small>{formatType(inputType(step, port))}</small>
        </span>
        {editable && (
          <ConnectSelect session={session} workflow={workflow} step={step.id} port={port} nextPlace={nextPlace} />
        )}
        <IconButton
          name={`${more ? "Less" : "More"} about ${port}`}
          icon={more ? "fold" : "more"}
          className="button-small"
          aria-expanded={more}
          onClick={() => setMore(!more)}
        />
      </div>
      {isConstant && (
        <div className="port-card-value">
          <ValueField
            label={`Value of ${port}`}
            disabled={!editable}
            value={fields["default"]}
            type={face?.type}
            onChange={(value) => set({ default: value })}
          />
        </div>
      )}
      {(!!link?.sources.length || valueFrom) && (
        <div className="chips">
          {link?.sources.map((source) => {
            const name = source.step ? `${source.step}/${source.port}` : source.port;
            return (
              <span key={source.written} className="chip">
                <span title={name}>{step.scatter.includes(port) ? `each of ${name}` : name}</span>
                {editable && (
                  <button
                    type="button"
                    aria-label={`Disconnect ${name}`}
                    title="Disconnect"
                    onClick={() => session.edit((now) => edits.disconnect(now, source, to))}
                  >
                    <Icon name="close" size={11} />
                  </button>
                )}
              </span>
            );
          })}
          {hasDefault && !isConstant && (
            <span className="chip chip-value">
              <span>{brief(fields["default"])}</span>
            </span>
          )}
          {valueFrom && (
            <span className="chip chip-value">
              <span>{valueFrom}</span>
            </span>
          )}
        </div>
      )}
      {more && (
        <div className="port-card-body">
          {face?.doc && <p className="row-hint port-doc">{face.doc}</p>}
          {!isConstant && (
            <ValueField
              label="Where nothing comes"
              disabled={!editable}
              value={fields["default"]}
              type={face?.type}
              onChange={(value) => set({ default: value })}
            />
          )}
          <TextField
            label="Worked out (valueFrom)"
            mono
            disabled={!editable}
            value={valueFrom}
            placeholder="$(self.basename)"
            onChange={(typed) => set({ valueFrom: typed || undefined })}
          />
          {link && <MergeFields link={link} editable={editable} set={set} />}
          <CheckField
            label="Read the file's text (loadContents)"
            disabled={!editable}
            value={fields["loadContents"] === true}
            onChange={(on) => set({ loadContents: on || undefined })}
          />
        </div>
      )}
    </li>
  );
}

function brief(value: Value | undefined): string {
  if (isFields(value) && typeof value["location"] === "string") return value["location"];
  return typeof value === "string" ? value : JSON.stringify(value);
}
