/** Values of CWL: files with their size and hash, all else as it is written. */
import type { CwlFile } from "../api/types";
import { Icon } from "../look/Icon";
import { CopyButton } from "../look/widgets";

const MANY = 25;

export function Values({ values, none }: { values: Readonly<Record<string, unknown>>; none: string }) {
  const names = Object.keys(values);
  if (!names.length) return <p className="faint">{none}</p>;
  return (
    <dl className="values">
      {names.map((name) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>
            <Value value={values[name]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="faint">nothing</span>;
  if (isFile(value)) return <FileValue file={value} />;
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    if (!items.length) return <span className="faint">an empty list</span>;
    if (items.every((each) => typeof each !== "object" || each === null) && JSON.stringify(value).length < 80) {
      return <code>{JSON.stringify(value)}</code>;
    }
    return (
      <ol className="value-list">
        {items.slice(0, MANY).map((each, index) => (
          <li key={index}>
            <Value value={each} />
          </li>
        ))}
        {items.length > MANY && <li className="faint">and {items.length - MANY} more</li>}
      </ol>
    );
  }
  if (typeof value === "object") return <pre className="code">{JSON.stringify(value, null, 2)}</pre>;
  return <code>{typeof value === "string" ? value : JSON.stringify(value)}</code>;
}

function FileValue({ file }: { file: CwlFile }) {
  const name = file.basename ?? (file.location ?? file.path ?? "").split("/").filter(Boolean).at(-1) ?? file.class;
  const more = (file.listing?.length ?? 0) + (file.secondaryFiles?.length ?? 0);
  return (
    <div className="file">
      <Icon name={file.class === "Directory" ? "folder" : "file"} size={14} />
      <span className="file-name" title={file.location ?? file.path ?? name}>
        {name}
      </span>
      {file.size !== undefined && <span className="file-size">{size(file.size)}</span>}
      {more > 0 && <span className="file-size">+ {more}</span>}
      {file.checksum && (
        <span className="file-hash">
          <code title={file.checksum}>{short(file.checksum)}</code>
          <CopyButton text={file.checksum} name={`Copy the hash of ${name}`} />
        </span>
      )}
    </div>
  );
}

function isFile(value: unknown): value is CwlFile {
  const found = (value as { class?: unknown } | null)?.class;
  return found === "File" || found === "Directory";
}

/** `sha1$da39a3ee…` */
function short(checksum: string): string {
  const [algorithm, hash] = checksum.includes("$") ? checksum.split("$") : ["", checksum];
  return `${algorithm} ${hash!.slice(0, 10)}`.trim();
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let [value, unit] = [bytes, "B"];
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (value < 999.5) break;
    [value, unit] = [value / 1000, next];
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
