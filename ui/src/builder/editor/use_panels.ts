/** The widths of the panels beside the drawing, and which are folded, in the browser's storage. */
import { useState } from "react";

export type Panel = "palette" | "form" | "text";

export interface PanelSizes {
  widths: Record<Panel, number>;
  folded: Record<"palette" | "side", boolean>;
}

export const LIMITS: Record<Panel, { least: number; most: number }> = {
  palette: { least: 150, most: 420 },
  form: { least: 240, most: 640 },
  text: { least: 280, most: 900 },
};
const FIRST: PanelSizes = { widths: { palette: 200, form: 300, text: 460 }, folded: { palette: false, side: false } };
const KEY = "mlcraft.panels";

export interface Panels extends PanelSizes {
  resize: (panel: Panel, width: number) => void;
  fold: (which: "palette" | "side", folded: boolean) => void;
}

export function usePanels(): Panels {
  const [sizes, setSizes] = useState(remembered);
  const set = (next: PanelSizes) => {
    setSizes(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // A browser may store nothing; then the sizes hold until the page is left.
    }
  };
  return {
    ...sizes,
    resize: (panel, width) => {
      const { least, most } = LIMITS[panel];
      set({ ...sizes, widths: { ...sizes.widths, [panel]: Math.round(Math.min(most, Math.max(least, width))) } });
    },
    fold: (which, folded) => set({ ...sizes, folded: { ...sizes.folded, [which]: folded } }),
  };
}

function remembered(): PanelSizes {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<PanelSizes>;
    return { widths: { ...FIRST.widths, ...found.widths }, folded: { ...FIRST.folded, ...found.folded } };
  } catch {
    return FIRST;
  }
}
