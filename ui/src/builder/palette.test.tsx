/** The palette: what it lists, finds and adds. */
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { ENTRIES } from "../testing/documents";
import { Palette, type PaletteProps } from "./Palette";

function show(props: Partial<PaletteProps> = {}) {
  const onAdd = vi.fn<PaletteProps["onAdd"]>();
  const onOpen = vi.fn<PaletteProps["onOpen"]>();
  render(<Palette documents={ENTRIES} current="counting.cwl" onAdd={onAdd} onOpen={onOpen} {...props} />);
  return { onAdd, onOpen, user: userEvent.setup(), search: screen.getByRole("searchbox", { name: /search tools/i }) };
}

const titles = () => screen.queryAllByRole("heading", { level: 3 }).map((one) => one.textContent);
const entry = (name: RegExp) => screen.getByRole("button", { name });

describe("the palette", () => {
  it("groups tools, workflows and shipped tools, without the document that is edited", () => {
    show({ current: "nightly.cwl" });
    expect(titles()).toEqual(["Tools", "Shipped with MLcraft"]);
    const tools = within(screen.getByRole("region", { name: "Tools" }));
    expect(tools.getByText("Count words")).toBeVisible();
    expect(tools.getByText("tools/count.cwl")).toBeVisible();
    expect(screen.queryByText("nightly.cwl")).not.toBeInTheDocument();
  });

  it("finds by name, path and description, and says when nothing is found", async () => {
    const { user, search } = show();
    await user.type(search, "words of a text");
    expect(screen.getByText("Count words")).toBeVisible();
    expect(screen.queryByText("Split a text")).not.toBeInTheDocument();
    await user.clear(search);
    await user.type(search, "no such tool");
    expect(screen.getByText("Nothing is called “no such tool”.")).toBeVisible();
  });

  it("adds the first match on Enter in the search", async () => {
    const { user, search, onAdd } = show();
    await user.type(search, "count{Enter}");
    expect(onAdd.mock.calls.map(([one]) => one.path)).toEqual(["tools/count.cwl"]);
  });

  it("adds by the plus and by Enter on an entry, and opens by a double click", async () => {
    const { user, onAdd, onOpen } = show();
    await user.click(entry(/^Add Split a text$/));
    entry(/^Count words/).focus();
    await user.keyboard("{Enter}");
    expect(onAdd.mock.calls.map(([one]) => one.path)).toEqual(["tools/split.cwl", "tools/count.cwl"]);
    await user.dblClick(entry(/^nightly.cwl/));
    expect(onOpen.mock.calls.map(([one]) => one.path)).toEqual(["nightly.cwl"]);
  });

  it("moves the focus from the search through the list by arrow keys", async () => {
    const { user, search } = show();
    await user.click(search);
    await user.keyboard("{ArrowDown}");
    expect(entry(/^broken.cwl/)).toHaveFocus();
    await user.keyboard("{ArrowDown}");
    expect(entry(/^Count words/)).toHaveFocus();
    await user.keyboard("{ArrowUp}{ArrowUp}");
    expect(search).toHaveFocus();
  });

  it("shows what is wrong with a broken document, and does not add it", async () => {
    const { user, onAdd } = show();
    const broken = entry(/^broken.cwl/);
    expect(broken).toHaveAttribute("title", "line 3: no class");
    expect(screen.queryByRole("button", { name: "Add broken.cwl" })).not.toBeInTheDocument();
    broken.focus();
    await user.keyboard("{Enter}");
    expect(onAdd).not.toHaveBeenCalled();
  });

  it("adds nothing while it is disabled", async () => {
    const { user, search, onAdd } = show({ disabled: true });
    await user.type(search, "count{Enter}");
    expect(onAdd).not.toHaveBeenCalled();
    expect(screen.queryByRole("button", { name: /^Add/ })).not.toBeInTheDocument();
  });
});
