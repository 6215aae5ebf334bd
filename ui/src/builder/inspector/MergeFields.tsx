/** Fields for merging the values of several sources (linkMerge, pickValue). */
import type { Value } from "../../document/value";
import type { Link } from "../../document/workflow";
import { type Choice, SelectField } from "../fields";

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

export function MergeFields({
  link,
  editable,
  set,
}: {
  link: Link;
  editable: boolean;
  set: (values: { [key: string]: Value | undefined }) => void;
}) {
  return (
    <>
      {link.sources.length > 1 && (
        <SelectField
          label="Several sources give"
          disabled={!editable}
          value={link.linkMerge}
          choices={MERGES}
          onChange={(value) => set({ linkMerge: value || undefined })}
        />
      )}
      {link.sources.length > 0 && (
        <SelectField
          label="Of several values, take"
          disabled={!editable}
          value={link.pickValue}
          choices={PICKS}
          onChange={(value) => set({ pickValue: value || undefined })}
        />
      )}
    </>
  );
}
