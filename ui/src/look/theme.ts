/** Light or dark as Airflow is around us, or as the system likes where there is no Airflow around. */
import "./theme.css";

const WATCHED = ["class", "data-theme"];

export function followTheme(): void {
  const outside = surroundings();
  const likes = matchMedia("(prefers-color-scheme: dark)");
  const apply = () =>
    document.documentElement.classList.toggle("dark", outside ? outside.classList.contains("dark") : likes.matches);
  apply();
  if (outside) new MutationObserver(apply).observe(outside, { attributes: true, attributeFilter: WATCHED });
  else likes.addEventListener("change", apply);
}

function surroundings(): HTMLElement | undefined {
  try {
    return parent === window ? undefined : parent.document.documentElement;
  } catch {
    return undefined;
  }
}
