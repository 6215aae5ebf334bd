/** Texts for the states of tasks. */
import type { TaskState } from "../graph/model";

const WORDS: Record<TaskState, string> = {
  success: "Success",
  running: "Running",
  failed: "Failed",
  upstream_failed: "Upstream failed",
  skipped: "Skipped",
  queued: "Queued",
  scheduled: "Scheduled",
  up_for_retry: "Up for retry",
  up_for_reschedule: "Up for reschedule",
  deferred: "Waiting",
  awaiting_input: "Waiting for a person",
  restarting: "Restarting",
  removed: "Removed",
  none: "Not started",
};

/** The order in which counts are shown. */
export const STATES = Object.keys(WORDS) as TaskState[];

export function stateWord(state: string): string {
  return WORDS[state as TaskState] ?? state.replaceAll("_", " ");
}

export function isActive(state: string): boolean {
  return [
    "running",
    "restarting",
    "queued",
    "scheduled",
    "deferred",
    "awaiting_input",
    "up_for_retry",
    "up_for_reschedule",
  ].includes(state);
}
