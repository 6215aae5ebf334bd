/** The dialog for a document that somebody else has saved meanwhile. */
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { ConflictDialog } from "./ConflictDialog";

const MINE = "class: Workflow\nlabel: mine\n";
const THEIRS = "class: Workflow\nlabel: theirs\n";

async function show() {
  const heard = { onSave: vi.fn(), onTakeTheirs: vi.fn(), onClose: vi.fn() };
  render(<ConflictDialog path="counting.cwl" mine={MINE} theirs={THEIRS} {...heard} />);
  await screen.findByLabelText("Yours", undefined, { timeout: 30_000 });
  return { ...heard, user: userEvent.setup() };
}

describe("the conflict dialog", () => {
  it("shows both texts, and lets one's own alone be edited", async () => {
    await show();
    expect(screen.getByRole("dialog", { name: "counting.cwl was changed by somebody else" })).toBeVisible();
    expect(screen.getByLabelText("On disk")).toHaveTextContent("label: theirs");
    expect(screen.getByLabelText("Yours")).toHaveTextContent("label: mine");
    expect(screen.getByLabelText("On disk")).toHaveAttribute("aria-readonly", "true");
    expect(screen.getByLabelText("Yours")).not.toHaveAttribute("aria-readonly");
  });

  it("saves one's own text where nothing was taken over", async () => {
    const { user, onSave, onTakeTheirs } = await show();
    await user.click(screen.getByRole("button", { name: "Save what is on the right" }));
    expect(onSave.mock.calls).toEqual([[MINE]]);
    expect(onTakeTheirs).not.toHaveBeenCalled();
  });

  it("saves a change that was taken over by its arrow", async () => {
    const { user, onSave } = await show();
    const arrow = await waitFor(() => {
      const found = document.querySelector<HTMLElement>(".cm-merge-revert button");
      expect(found).not.toBeNull();
      return found!;
    });
    fireEvent.mouseDown(arrow);
    await waitFor(() => expect(screen.getByLabelText("Yours")).toHaveTextContent("label: theirs"));
    await user.click(screen.getByRole("button", { name: "Save what is on the right" }));
    expect(onSave.mock.calls).toEqual([[THEIRS]]);
  });

  it("takes the one on disk, or goes on editing, without saving", async () => {
    const { user, onSave, onTakeTheirs, onClose } = await show();
    await user.click(screen.getByRole("button", { name: "Take the one on disk" }));
    expect(onTakeTheirs).toHaveBeenCalledTimes(1);
    await user.click(screen.getByRole("button", { name: "Go on editing" }));
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(onSave).not.toHaveBeenCalled();
  });
});
