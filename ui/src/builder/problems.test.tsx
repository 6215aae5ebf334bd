/** The list of problems below the picture. */
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { Problems } from "./Problems";
import type { ListedProblem } from "./use_problems";

const ERROR: ListedProblem = { severity: "error", message: "Step count needs a value for text.", line: 12, column: 3 };
const WARNING: ListedProblem = { severity: "warning", message: "Nothing goes into output result.", line: 7, column: 1 };

function Foldable(props: {
  problems: ListedProblem[];
  checking?: boolean;
  checked?: string;
  onJump?: (one: ListedProblem) => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <Problems
      problems={props.problems}
      checking={props.checking ?? false}
      checked={props.checked}
      open={open}
      onToggle={() => setOpen(!open)}
      onJump={props.onJump ?? (() => undefined)}
    />
  );
}

describe("the problems", () => {
  it("are counted, with warnings apart", () => {
    const { rerender } = render(<Foldable problems={[ERROR, WARNING, { ...WARNING, line: 9 }]} />);
    expect(screen.getByRole("status")).toHaveTextContent(/^1 problem, 2 warnings$/);
    rerender(<Foldable problems={[WARNING]} />);
    expect(screen.getByRole("status")).toHaveTextContent(/^1 warning$/);
    rerender(<Foldable problems={[]} />);
    expect(screen.getByRole("status")).toHaveTextContent(/^No problems$/);
  });

  it("are listed with their lines when unfolded, and lead to their places", async () => {
    const user = userEvent.setup();
    const onJump = vi.fn();
    render(<Foldable problems={[ERROR, WARNING]} onJump={onJump} />);
    expect(screen.queryByText(ERROR.message)).not.toBeInTheDocument();
    const head = screen.getByRole("button", { expanded: false });
    await user.click(head);
    expect(head).toHaveAttribute("aria-expanded", "true");
    expect(screen.getAllByRole("listitem").map((one) => one.textContent)).toEqual([
      `${ERROR.message}line 12`,
      `${WARNING.message}line 7`,
    ]);
    await user.click(screen.getByRole("button", { name: /Nothing goes into/ }));
    expect(onJump.mock.calls).toEqual([[WARNING]]);
    await user.click(head);
    expect(screen.queryByRole("list")).not.toBeInTheDocument();
  });

  it("say that the server is still checking, or could not", () => {
    const { rerender } = render(<Foldable problems={[]} checking />);
    expect(screen.getByRole("status")).toHaveTextContent("Checking…");
    rerender(<Foldable problems={[]} checked="Airflow does not answer." />);
    expect(screen.getByRole("status")).toHaveTextContent("The server could not check it");
    expect(screen.getByText("Airflow does not answer.")).toBeVisible();
    rerender(<Foldable problems={[ERROR]} checking />);
    expect(screen.getByRole("status")).toHaveTextContent("1 problem");
    expect(screen.getByText("checking…")).toBeVisible();
  });
});
