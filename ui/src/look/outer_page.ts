/** Links out of the frame that Airflow shows a page in: its sandbox opens no window, but the page around it does. */
import { AIRFLOW } from "../api/fetch";

/** A page of this Airflow, or another site. */
export function safeAddress(href: string): URL | undefined {
  try {
    const address = new URL(href.replace(/^\//, ""), AIRFLOW);
    if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//"))
      return /^https?:$/.test(new URL(href, AIRFLOW).protocol) ? new URL(href, AIRFLOW) : undefined;
    return address;
  } catch {
    return undefined;
  }
}

/** Pages of Airflow take the place of the page around us; others, and what is asked for in a new tab, get a tab. */
export function follow(event: React.MouseEvent<HTMLAnchorElement>): void {
  const address = new URL(event.currentTarget.href);
  const newTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1;
  event.preventDefault();
  if (newTab || !address.href.startsWith(AIRFLOW.href)) window.parent.open(address, "_blank", "noopener");
  else goTo(address);
}

/** The sandbox keeps us from moving the page around us; a link of its own may. */
export function goTo(address: URL): void {
  const link = window.parent.document.createElement("a");
  link.href = address.href;
  link.click();
}

/** The location of the outer page. */
export function outerAddress(): string {
  return window.parent.location.href;
}
