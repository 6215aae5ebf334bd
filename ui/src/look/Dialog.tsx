/** A window over the page. The browser keeps the focus in it, and gives it back. */
import { type ReactNode, useEffect, useId, useRef } from "react";
import "./dialog.css";
import { IconButton } from "./widgets";

export function Dialog({
  title,
  children,
  actions,
  wide = false,
  onClose,
}: {
  title: string;
  children: ReactNode;
  /** The buttons at its foot. */
  actions?: ReactNode;
  wide?: boolean;
  onClose: () => void;
}) {
  const frame = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = frame.current!;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-focus]")?.focus();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={frame}
      className={`dialog ${wide ? "dialog-wide" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      onPointerDown={(event) => {
        if (event.target === frame.current) onClose();
      }}
    >
      <div className="dialog-frame">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton name="Close" icon="close" onClick={onClose} />
        </header>
        <div className="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}
