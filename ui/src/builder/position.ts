/** A place on the command line: a whole number, or an expression. */

export function positionFlaw(typed: string): string | undefined {
  return typed.trim() === "" || /^-?\d+$/.test(typed.trim()) || typed.includes("$")
    ? undefined
    : "A whole number is needed.";
}

export function positionOf(typed: string): string | number | undefined {
  if (typed.trim() === "") return undefined;
  return Number.isInteger(Number(typed)) ? Number(typed) : typed;
}
