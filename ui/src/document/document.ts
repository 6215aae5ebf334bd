/** A document: its text, its value, and changes that keep all other bytes of the text. */
import { type Source, readSource } from "./source";
import { CannotSplice, type Splice, difference, spliced, splices } from "./splices";
import { type Change, type Path, type Value, at, applyChanges, mergeChanges, sameValue } from "./value";

export class Document {
  private source_: Source | undefined;

  private constructor(
    readonly text: string,
    readonly value: Value,
    source?: Source,
    /** The changes since the previous document. */
    readonly parts: readonly Splice[] = [],
  ) {
    this.source_ = source;
  }

  static open(text: string): Document {
    const source = readSource(text);
    return new Document(text, source.value, source);
  }

  /** The nodes of the text; reading a large one takes longer than a frame, so edits do not wait for it. */
  get source(): Source {
    return (this.source_ ??= readSource(this.text));
  }

  get isRead(): boolean {
    return this.source_ !== undefined;
  }

  get broken(): Source["broken"] {
    return this.source_?.broken;
  }

  at(path: Path): Value | undefined {
    return at(this.value, path);
  }

  /** The document with an edited text; equal values stay the same objects, so that little is rendered again. */
  retyped(text: string): Document {
    if (text === this.text) return this;
    const source = readSource(text);
    const part = difference(this.text, text);
    return new Document(text, source.broken ? null : kept(this.value, source.value), source, part ? [part] : []);
  }

  /** Throws a `CannotSplice` where the text has no place of its own for a change. */
  change(wanted: readonly Change[]): Document {
    if (wanted.length === 0) return this;
    const changes = mergeChanges(wanted);
    const expected = applyChanges(this.value, changes);
    const parts = splices(this.source, changes);
    if (parts === undefined) return this.oneByOne(changes, expected);
    return new Document(spliced(this.text, parts), expected, undefined, parts);
  }

  /** Whether the text has the value that the edits intended. */
  get holds(): boolean {
    return !this.source.broken && sameValue(this.value, this.source.value);
  }

  /** Changes that meet at one place; from the last one on, so that the paths of the others stay. */
  private oneByOne(changes: readonly Change[], expected: Value): Document {
    let now: Document = Document.open(this.text);
    for (const change of ordered(changes)) {
      const parts = splices(now.source, [change]);
      if (!parts) throw new CannotSplice("These changes meet at one place");
      now = Document.open(spliced(now.text, parts));
    }
    const part = difference(this.text, now.text);
    return new Document(now.text, expected, now.source, part ? [part] : []);
  }
}

/** Deletions last and from the end, then renames from the inside: each leaves the paths of those to come as they are. */
function ordered(changes: readonly Change[]): Change[] {
  const rank = { set: 0, append: 1, rename: 2, delete: 3 };
  return [...changes].sort(
    (one, other) =>
      rank[one.do] - rank[other.do] || (one.do === "delete" || one.do === "rename" ? later(one.path, other.path) : 0),
  );
}

function later(one: Path, other: Path): number {
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const [first, second] = [one[index]!, other[index]!];
    if (typeof first === "number" && typeof second === "number" && first !== second) return second - first;
  }
  return other.length - one.length;
}

/** The new value, with the parts of the old one that are the same. */
function kept(old: Value, now: Value): Value {
  if (old === now || typeof now !== "object" || now === null || typeof old !== "object" || old === null) return now;
  if (sameValue(old, now)) return old;
  if (Array.isArray(now)) return Array.isArray(old) ? now.map((item, index) => kept(old[index] ?? null, item)) : now;
  if (Array.isArray(old)) return now;
  return Object.fromEntries(
    Object.entries(now).map(([key, item]) => [key, Object.hasOwn(old, key) ? kept(old[key]!, item) : item]),
  );
}
