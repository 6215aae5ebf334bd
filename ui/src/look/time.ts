/** Formatting of durations and times. */
import { useEffect, useState } from "react";

export function seconds(start: string | undefined, end: string | undefined, now: number): number | undefined {
  if (!start) return undefined;
  const length = ((end ? Date.parse(end) : now) - Date.parse(start)) / 1000;
  return Number.isFinite(length) ? Math.max(0, length) : undefined;
}

export function duration(length: number | undefined): string {
  if (length === undefined) return "";
  if (length < 10) return `${length.toFixed(1)} s`;
  if (length < 100) return `${Math.round(length)} s`;
  const minutes = Math.floor(length / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(length % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A time of day, in the time zone that Airflow's pages show. */
export function timeOfDay(moment: string): string {
  const zone = localStorage.getItem("timezone")?.replaceAll('"', "");
  try {
    return new Date(moment).toLocaleTimeString([], zone && zone !== "local" ? { timeZone: zone } : {});
  } catch {
    return new Date(moment).toLocaleTimeString();
  }
}

/** The current time, updated each second if `ticking`. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}
