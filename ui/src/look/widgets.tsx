/** The basic components of the pages. */
import { type ComponentProps, type ReactNode, useEffect, useId, useRef, useState } from "react";
import "./widgets.css";
import { Icon, type IconName } from "./Icon";
import { follow, safeAddress } from "./outer_page";
import { stateWord } from "./states";

type ButtonProps = ComponentProps<"button"> & { icon?: IconName; look?: "plain" | "main" | "danger" | "quiet" };

export function Button({ icon, look = "plain", children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={`button button-${look} ${children ? "" : "button-bare"} ${className}`}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button with an icon; its name is the accessible name and the tooltip. */
export function IconButton({
  name,
  icon,
  look = "quiet",
  ...rest
}: Omit<ButtonProps, "children"> & { name: string; icon: IconName }) {
  return <Button icon={icon} look={look} aria-label={name} title={name} {...rest} />;
}

export function StateBadge({ state }: { state: string }) {
  return (
    <span className={`badge state-${state}`}>
      <i className="state-dot" />
      {stateWord(state)}
    </span>
  );
}

/** A link to a page of Airflow or elsewhere; text where the address is none that a browser should follow. */
export function OutLink({ href, children, icon = true }: { href: string; children: ReactNode; icon?: boolean }) {
  const address = safeAddress(href);
  if (!address) return <span>{children}</span>;
  return (
    <a className="out-link" href={address.href} onClick={follow} onAuxClick={follow}>
      {children}
      {icon && <Icon name="link" size={13} />}
    </a>
  );
}

export function CopyButton({ text, name = "Copy" }: { text: string; name?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      name={copied ? "Copied" : name}
      icon={copied ? "check" : "copy"}
      className="button-small"
      onClick={() => void copy(text).then(() => setCopied(true))}
    />
  );
}

async function copy(text: string): Promise<void> {
  // Without https there is no clipboard: the old way.
  if (navigator.clipboard && window.isSecureContext) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // A frame may be refused the clipboard.
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Notice({
  kind = "info",
  title,
  children,
  action,
}: {
  kind?: "info" | "bad" | "warn" | "good";
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={`notice notice-${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {(kind === "bad" || kind === "warn") && <Icon name="warning" />}
      <div>
        {title && <strong>{title}</strong>}
        {children && <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}

export function Spinner({ children = "Loading…" }: { children?: ReactNode }) {
  return (
    <div className="spinner" role="status">
      <i aria-hidden="true" />
      {children}
    </div>
  );
}

export interface MenuItem {
  name: string;
  icon?: IconName;
  disabled?: boolean;
  danger?: boolean;
  run: () => void;
}

/** A button that opens a list of things to do; arrows, Home, End and Escape work as in any menu. */
export function Menu({
  name,
  icon,
  items,
  children,
  look = "plain",
}: {
  name: string;
  icon: IconName;
  items: MenuItem[];
  children?: ReactNode;
  look?: ButtonProps["look"];
}) {
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    frame.current?.querySelector<HTMLElement>('[role="menuitem"]:not(:disabled)')?.focus();
    const away = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", away, true);
    return () => removeEventListener("pointerdown", away, true);
  }, [open]);
  const close = () => {
    setOpen(false);
    frame.current?.querySelector<HTMLElement>("button")?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!open) return;
    const all = [...frame.current!.querySelectorAll<HTMLElement>('[role="menuitem"]:not(:disabled)')];
    const now = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") close();
    else if (event.key === "Tab") return setOpen(false);
    else if (next !== undefined) all.at(next % all.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="menu" role="presentation" ref={frame} onKeyDown={onKeyDown}>
      <Button
        icon={icon}
        look={look}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        {...(children ? {} : { "aria-label": name, title: name })}
        onClick={() => setOpen(!open)}
      >
        {children}
      </Button>
      {open && (
        <div className="menu-list" role="menu" id={id} aria-label={name}>
          {items.map((item) => (
            <button
              key={item.name}
              type="button"
              role="menuitem"
              tabIndex={-1}
              disabled={item.disabled}
              className={item.danger ? "danger" : ""}
              onClick={() => {
                close();
                item.run();
              }}
            >
              {item.icon && <Icon name={item.icon} />}
              {item.name}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** A title that folds what is below it; `action` is what can be done with that. */
export function Section({
  title,
  aside,
  action,
  children,
  open = true,
}: {
  title: string;
  aside?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
  open?: boolean;
}) {
  return (
    <div className="section">
      <details open={open}>
        <summary>
          <Icon name="open" size={12} />
          <h3>{title}</h3>
          {aside !== undefined && <span className="section-aside">{aside}</span>}
        </summary>
        <div className="section-body">{children}</div>
      </details>
      {action && <div className="section-action">{action}</div>}
    </div>
  );
}
