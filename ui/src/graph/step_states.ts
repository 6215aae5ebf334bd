/** The states of steps beside the picture: a new state draws its own node again, and no other. */
import { createContext, useContext, useLayoutEffect, useState, useSyncExternalStore } from "react";
import type { StepState } from "./model";

export class StepStates {
  private states: Readonly<Record<string, StepState>> = {};
  private written = new Map<string, string>();
  private readonly listeners = new Set<() => void>();

  /** What has not changed keeps its identity. */
  set(states: Readonly<Record<string, StepState>>): void {
    const next: Record<string, StepState> = {};
    const written = new Map<string, string>();
    for (const [key, state] of Object.entries(states)) {
      const text = JSON.stringify(state);
      written.set(key, text);
      next[key] = this.written.get(key) === text ? this.states[key]! : state;
    }
    this.states = next;
    this.written = written;
    for (const listener of this.listeners) listener();
  }

  get(key: string): StepState | undefined {
    return this.states[key];
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export const StepStatesContext = createContext(new StepStates());

export function useStepState(key: string): StepState | undefined {
  const states = useContext(StepStatesContext);
  return useSyncExternalStore(states.subscribe, () => states.get(key));
}

/** The states as the page has them; they outlast the page's objects. */
export function useStepStates(given: Readonly<Record<string, StepState>> | undefined): StepStates {
  const [states] = useState(() => {
    const made = new StepStates();
    made.set(given ?? {});
    return made;
  });
  useLayoutEffect(() => states.set(given ?? {}), [states, given]);
  return states;
}
