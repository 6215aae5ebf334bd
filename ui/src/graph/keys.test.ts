import { expect, test } from "vitest";
import { parentKey, parentKeys } from "./keys";

test("a step of the workflow itself is in no other", () => {
  expect(parentKey("step:a")).toBeUndefined();
  expect(parentKeys("input:a")).toEqual([]);
});

test("a step of a sub-workflow is in the step that runs it", () => {
  expect(parentKey("a/step:b")).toBe("step:a");
  expect(parentKeys("a/b/output:c")).toEqual(["step:a", "a/step:b"]);
});
