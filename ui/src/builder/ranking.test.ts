import { expect, test } from "vitest";
import { type Candidate, rank } from "./ranking";

function candidate(from: string, to: string, more: Partial<Candidate> = {}): Candidate {
  return {
    way: "whole",
    from: { port: from, type: "File" },
    to: { port: to, type: "File" },
    taken: false,
    required: false,
    ...more,
  };
}

test("what has the same name and type comes first, then what shares a word, then what needs a value", () => {
  const order = [
    candidate("train", "train"),
    candidate("train_data", "data"),
    candidate("record", "code", { required: true }),
    candidate("record", "code"),
    candidate("record", "codes", { way: "collect" }),
    candidate("test", "test", { taken: true }),
  ];
  expect([...order].reverse().sort((one, other) => rank(one) - rank(other))).toEqual(order);
});

test("a type that only may fit comes after the very type", () => {
  const exact = candidate("a", "b", { from: { port: "a", type: "string" }, to: { port: "b", type: "string?" } });
  const any = candidate("a", "b", { from: { port: "a", type: "string" }, to: { port: "b", type: "" } });
  expect(rank(exact)).toBeLessThan(rank(any));
});
