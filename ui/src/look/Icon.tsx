/** Icons in the colour of the surrounding text. */

const PATHS = {
  scatter: "M3 8h3m0 0 3-4h4M6 8h7M6 8l3 4h4M11.5 2.5 13 4l-1.5 1.5M11.5 6.5 13 8l-1.5 1.5M11.5 10.5 13 12l-1.5 1.5",
  when: "M8 1.8 14.2 8 8 14.2 1.8 8zM6.6 6.6a1.4 1.4 0 1 1 2 1.3c-.4.2-.6.5-.6.9M8 10.9v.1",
  tool: "M3 4l3.5 4L3 12M8 12h5",
  expression:
    "M5.5 2.5c-2 0-1.5 2-1.5 3.2C4 7 3.5 8 2.5 8 3.500 8 4 9 4 10.300c0 1.200-.5 3.200 1.500 3.200M10.500 2.500c2 0 1.500 2 1.500 3.200C12 7 12.500 8 13.500 8c-1 0-1.500 1-1.500 2.300 0 1.200.5 3.200-1.500 3.200",
  workflow: "M2.500 3.500h4v3h-4zM9.500 9.500h4v3h-4zM4.500 6.500V11h5M11.500 9.500V5h-5",
  operation: "M8 2.500v11M2.500 8h11",
  input: "M2 8h8M7 5l3 3-3 3M13.500 3v10",
  output: "M2.500 3v10M5 8h8M10 5l3 3-3 3",
  open: "M3 6.500 8 11.500l5-5",
  close: "M4 4l8 8M12 4l-8 8",
  fit: "M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10",
  left: "M10.500 3 5.500 8l5 5",
  right: "M5.500 3 10.500 8l-5 5",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
  download: "M8 2v8M4.800 7 8 10.200 11.200 7M2.500 13.500h11",
  map: "M2 3h12v10H2zM8.500 8.500h4v3h-4z",
  copy: "M5.500 5.500h7.500v8H5.500zM3 10.500v-8h7.500",
  check: "M3 8.500 6.500 12 13 4.500",
  link: "M6 3H3v10h10v-3M9 2.500h4.500V7M13.500 2.500 7.500 8.500",
  edit: "M3 13l.700-3L11 2.700 13.300 5 6 12.300zM9.500 4.200l2.300 2.300",
  retry: "M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3",
  warning: "M8 2 14.500 13.500h-13zM8 6.500v3.500M8 11.800v.1",
  unfold: "M8 2v4M6 4l2-2 2 2M8 14v-4M6 12l2 2 2-2M2.500 8h11",
  fold: "M8 1.500V5.500M6 3.800l2 2 2-2M8 14.500v-4M6 12.200l2-2 2 2M2.500 8h11",
  help: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM6.300 6.300a1.700 1.700 0 1 1 2.500 1.500c-.500.300-.800.600-.800 1.200M8 11.200v.1",
  undo: "M5.500 3 2.500 6l3 3M2.500 6H10a3.500 3.500 0 0 1 0 7H7",
  redo: "M10.500 3l3 3-3 3M13.500 6H6a3.500 3.500 0 0 0 0 7h3",
  trash: "M2.500 4.500h11M6 4.500V2.500h4v2M4 4.500l.700 9h6.600l.700-9M6.700 7v4.500M9.300 7v4.500",
  play: "M4.500 2.800v10.400L13 8z",
  save: "M2.500 2.500h8.500l2.500 2.500v8.500h-11zM5 2.500v4h5v-4M5 13.500V9.500h6v4",
  file: "M4 1.800h5l3.500 3.500v9H4zM9 1.800v3.500h3.500",
  folder: "M1.800 3.500h4.500L8 5h6.200v8H1.800z",
  more: "M3.500 8h.1M8 8h.1M12.500 8h.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2.4 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
