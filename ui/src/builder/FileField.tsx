/** Files or folders of a run: by a path on the workers, by an address, or uploaded from this computer. */
import { useRef, useState } from "react";
import type { CwlFile } from "../api/types";
import { Button, IconButton } from "../look/widgets";
import { fileAt, placeOf } from "./run_form";

export interface FileFieldProps {
  id: string;
  className: string;
  kind: CwlFile["class"];
  several: boolean;
  files: CwlFile[];
  onFiles: (files: CwlFile[]) => void;
  onUpload: (file: File) => Promise<CwlFile>;
}

export function FileField({ id, className, kind, several, files, onFiles, onUpload, ...rest }: FileFieldProps) {
  const chooser = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState("");
  const [trouble, setTrouble] = useState("");
  const places = files.length || !several ? files : [];
  const change = (number: number, place: string) => {
    const next = [...places];
    if (place.trim()) next[number] = fileAt(place, kind);
    else next.splice(number, 1);
    onFiles(next);
  };

  async function upload(chosen: FileList | null) {
    setTrouble("");
    const made: CwlFile[] = [];
    try {
      for (const file of chosen ?? []) {
        setBusy(file.name);
        made.push(await onUpload(file));
      }
    } catch (error) {
      setTrouble((error as Error).message);
    }
    setBusy("");
    if (made.length) onFiles(several ? [...places, ...made] : made.slice(-1));
  }

  const rows = several ? [...places, undefined] : [places[0]];
  return (
    <div className="file-field">
      {rows.map((file, number) => (
        <div className="file-row" key={number}>
          <input
            {...rest}
            id={number === 0 ? id : `${id}-${number}`}
            className={className}
            autoComplete="off"
            spellCheck={false}
            aria-label={number === 0 ? undefined : `one more ${kind.toLowerCase()}`}
            value={file ? placeOf(file) : ""}
            onChange={(event) => change(number, event.target.value)}
            placeholder={
              several && number === places.length
                ? "One more: a path or an address"
                : "A path where the tasks run, or an address (s3://, https://)"
            }
          />
          {file && (
            <IconButton
              name={`Leave out ${file.basename ?? placeOf(file)}`}
              icon="close"
              onClick={() => onFiles(places.filter((_, at) => at !== number))}
            />
          )}
        </div>
      ))}
      {kind === "File" && (
        <>
          <Button icon="file" className="button-small" disabled={busy !== ""} onClick={() => chooser.current?.click()}>
            {busy ? `Uploading ${busy}…` : several ? "Upload files" : "Upload a file"}
          </Button>
          <input
            ref={chooser}
            type="file"
            hidden
            multiple={several}
            aria-hidden="true"
            tabIndex={-1}
            onChange={(event) => {
              void upload(event.target.files);
              event.target.value = "";
            }}
          />
        </>
      )}
      {trouble && (
        <p className="run-wrong" role="alert">
          {trouble}
        </p>
      )}
    </div>
  );
}
