/** The state of an edited document: text, drawing, undo history, selection, saved version. */
import type { Graph } from "../graph/model";
import { Document } from "../document/document";
import { graphOf, parseKey } from "../document/graph";
import { kindOf, mainPath } from "../document/process";
import { type Finding, errorByNode, findProblems } from "../document/problems";
import type { Flaw } from "../document/source";
import { CannotSplice } from "../document/splices";
import { type Change, type Fields, type Path, isFields } from "../document/value";
import { type Workflow, readWorkflow } from "../document/workflow";
import { type Draft, dropDraft, writeDraft } from "./drafts";
import { DocumentLibrary } from "./library";

export interface Base {
  /** Null for a document that does not exist yet. */
  version: string | null;
  text: string;
}

export interface State {
  path: string;
  base: Base;
  editable: boolean;
  /** The text in the text pane, which may be invalid at the moment. */
  text: string;
  broken: Flaw | undefined;
  /** The last document that could be read. */
  document: Document;
  process: Path;
  kind: string;
  fields: Fields | undefined;
  workflow: Workflow | undefined;
  graph: Graph;
  findings: readonly Finding[];
  selection: ReadonlySet<string>;
  canUndo: boolean;
  canRedo: boolean;
  library: DocumentLibrary;
  /** A failure, to be shown once. */
  refusal: string | undefined;
}

interface Step {
  text: string;
  document: Document;
  selection: ReadonlySet<string>;
}

const EMPTY: Graph = { nodes: [], edges: [] };
const NONE: ReadonlySet<string> = new Set();
const UNDO = 400;
/** Keys that come faster belong to one step of undo. */
const TYPING_MS = 900;
/** The length from which a text is parsed in idle time. */
const LARGE = 24_000;
const DRAFT_MS = 250;

export class Session {
  private past: Step[] = [];
  private future: Step[] = [];
  private listeners = new Set<() => void>();
  private lastTyped = 0;
  private draftTimer: ReturnType<typeof setTimeout> | undefined;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  state: State;

  constructor(path: string, base: Base, text: string, editable: boolean, library: DocumentLibrary) {
    const document = Document.open(text);
    const good = document.broken ? Document.open(base.text) : document;
    const shown = good.broken ? Document.open("") : good;
    this.state = this.derived(
      { path, base, editable, library, text, broken: document.broken, selection: NONE, refusal: undefined },
      shown,
    );
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): State => this.state;

  get isChanged(): boolean {
    return this.state.text !== this.state.base.text || this.state.base.version === null;
  }

  /** Applies the changes, or reports why it cannot. */
  edit(make: (workflow: Workflow, state: State) => readonly Change[], select?: readonly string[]): boolean {
    const { workflow } = this.state;
    return workflow ? this.change(() => make(workflow, this.state), select) : false;
  }

  change(make: (state: State) => readonly Change[], select?: readonly string[]): boolean {
    const { state } = this;
    if (!state.editable) return this.refuse("You may look at this document, and not change it.");
    if (state.broken) return this.refuse("The text has an error: mend it first, or undo.");
    let document: Document;
    try {
      document = state.document.change(make(state));
    } catch (error) {
      if (!(error instanceof CannotSplice)) throw error;
      return this.refuse(`${error.message}. Change it in the text.`);
    }
    if (document === state.document) return false;
    if (document.text.length < LARGE && !document.holds)
      return this.refuse("This cannot be written into the text as it stands. Change it in the text.");
    this.remember();
    this.show(document, document.text, undefined, select ? new Set(select) : undefined);
    this.lastTyped = 0;
    return true;
  }

  /** Called with the text while it is typed. */
  type(text: string): void {
    if (text === this.state.text || !this.state.editable) return;
    const now = Date.now();
    if (now - this.lastTyped > TYPING_MS) this.remember();
    this.lastTyped = now;
    this.replace(text);
  }

  /** The text as a whole, such as from a merge. */
  setText(text: string): void {
    if (text === this.state.text) return;
    this.remember();
    this.lastTyped = 0;
    this.replace(text);
  }

  private replace(text: string): void {
    const next = this.state.document.retyped(text);
    if (next.broken) this.show(this.state.document, text, next.broken);
    else this.show(next, text, undefined);
  }

  undo(): void {
    const step = this.past.pop();
    if (!step || !this.state.editable) return;
    this.future.push(this.step());
    this.restore(step);
  }

  redo(): void {
    const step = this.future.pop();
    if (!step || !this.state.editable) return;
    this.past.push(this.step());
    this.restore(step);
  }

  select(keys: ReadonlySet<string>): void {
    this.set({ ...this.state, selection: keys });
  }

  setLibrary(library: DocumentLibrary): void {
    if (library !== this.state.library) this.set(this.derived({ ...this.state, library }, this.state.document));
  }

  /** The document has been saved with this text. */
  saved(path: string, version: string, text: string): void {
    const before = this.state.path;
    if (before !== path) dropDraft(before);
    this.set(this.derived({ ...this.state, path, base: { version, text } }, this.state.document));
    if (this.state.text === text) dropDraft(path);
    else this.keepDraft();
  }

  /** A newer version on disk is what is edited from now on. */
  rebase(base: Base): void {
    this.set({ ...this.state, base });
    this.keepDraft();
  }

  refuse(refusal: string | undefined): false {
    this.set({ ...this.state, refusal });
    return false;
  }

  keepDraft(): boolean {
    clearTimeout(this.draftTimer);
    this.draftTimer = undefined;
    const { path, base, text } = this.state;
    if (text === base.text) {
      dropDraft(path);
      return true;
    }
    const draft: Draft = { base: base.version, text, at: Date.now() };
    return writeDraft(path, draft);
  }

  close(): void {
    if (this.draftTimer !== undefined) this.keepDraft();
    clearTimeout(this.idleTimer);
  }

  private step(): Step {
    const { text, document, selection } = this.state;
    return { text, document, selection };
  }

  private remember(): void {
    this.past.push(this.step());
    if (this.past.length > UNDO) this.past.shift();
    this.future = [];
  }

  private restore({ text, document, selection }: Step): void {
    this.lastTyped = 0;
    this.show(document, text, text === document.text ? undefined : Document.open(text).broken, selection);
  }

  private show(document: Document, text: string, broken: Flaw | undefined, selection = this.state.selection): void {
    this.set(this.derived({ ...this.state, text, broken, selection, refusal: undefined }, document));
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => {
      if (!this.keepDraft()) this.refuse("This browser keeps no drafts: save now and then.");
    }, DRAFT_MS);
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.prove(), 200);
  }

  /** Parses the text in idle time, so that the next edit need not; a wrong edit is undone. */
  private prove(): void {
    const { document } = this.state;
    if (document.isRead || document.holds) return;
    this.undo();
    this.future = [];
    this.refuse(
      "The last edit could not be written into the text as it stands, and has been taken back. Change it in the text.",
    );
  }

  private derived(
    state: Omit<
      State,
      "document" | "process" | "kind" | "fields" | "workflow" | "graph" | "findings" | "canUndo" | "canRedo"
    >,
    document: Document,
  ): State {
    const process = mainPath(document.value) ?? [];
    const fields = document.at(process);
    const workflow = readWorkflow({ value: document.value, document: state.path, process, library: state.library });
    const findings = workflow ? findProblems(workflow) : [];
    const selection = workflow ? stillThere(state.selection, workflow) : state.selection;
    return {
      ...state,
      selection,
      document,
      process,
      kind: kindOf(fields),
      fields: isFields(fields) ? fields : undefined,
      workflow,
      graph: workflow ? graphOf(workflow, errorByNode(findings)) : EMPTY,
      findings,
      canUndo: this.past.length > 0,
      canRedo: this.future.length > 0,
    };
  }

  private set(state: State): void {
    this.state = { ...state, canUndo: this.past.length > 0, canRedo: this.future.length > 0 };
    for (const listener of this.listeners) listener();
  }
}

/** The selection without nodes that no longer exist. */
function stillThere(selection: ReadonlySet<string>, { inputs, steps, outputs }: Workflow): ReadonlySet<string> {
  const known = new Set([
    ...inputs.map((one) => `input:${one.id}`),
    ...steps.map((one) => `step:${one.id}`),
    ...outputs.map((one) => `output:${one.item.id}`),
  ]);
  const gone = (key: string) => parseKey(key) !== undefined && !known.has(key);
  return [...selection].some(gone) ? new Set([...selection].filter((key) => !gone(key))) : selection;
}
