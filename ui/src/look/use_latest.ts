/** A ref with the value of the last render, for callbacks that stay the same function. */
import { type RefObject, useInsertionEffect, useRef } from "react";

export function useLatest<T>(value: T): RefObject<T> {
  const latest = useRef(value);
  // Insertion effects run before all other effects, which may call such a callback.
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
