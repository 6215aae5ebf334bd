/** The form that starts a run. */
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { CwlFile } from "../api/types";
import { RunDialog, type RunDialogProps } from "./RunDialog";

const INPUTS: RunDialogProps["inputs"] = [
  { id: "data", type: "File", doc: "What is learnt from." },
  { id: "depth", type: "int", default: 3 },
  { id: "names", type: "string[]?", optional: true },
  { id: "metric", type: "string", default: "f1", choices: ["accuracy", "f1"] },
  { id: "fast", type: "boolean?", optional: true },
  { id: "settings", type: "Any", default: { seed: 1 } },
];

function show(props: Partial<RunDialogProps> = {}) {
  const onRun = vi.fn<RunDialogProps["onRun"]>(() => Promise.resolve());
  const onUpload = vi.fn<RunDialogProps["onUpload"]>((file) =>
    Promise.resolve<CwlFile>({ class: "File", basename: file.name, location: `store:${file.name}` }),
  );
  const onClose = vi.fn();
  render(<RunDialog title="training" inputs={INPUTS} onRun={onRun} onUpload={onUpload} onClose={onClose} {...props} />);
  return { onRun, onUpload, onClose, user: userEvent.setup() };
}

const field = (name: RegExp) => screen.getByLabelText(name);
const run = () => screen.getByRole("button", { name: /^Run$/ });

describe("the run form", () => {
  it("has a field for each input, with its default, its type and its description", () => {
    show();
    expect(screen.getByRole("dialog", { name: "Run training" })).toBeVisible();
    expect(field(/^data/)).toHaveValue("");
    expect(field(/^data/)).toHaveAccessibleDescription("What is learnt from.");
    expect(field(/^data/)).toBeRequired();
    expect(field(/^depth/)).toHaveValue("3");
    expect(field(/^fast/)).toHaveDisplayValue("–");
    expect(field(/^metric/)).toHaveValue("f1");
    expect(field(/^settings/)).toHaveDisplayValue(/"seed": 1/);
  });

  it("starts the run with what was typed and chosen", async () => {
    const { user, onRun } = show();
    await user.type(field(/^data/), "/data/wine.csv");
    await user.clear(field(/^depth/));
    await user.type(field(/^depth/), "7");
    await user.type(field(/^names/), "red{Enter}white");
    await user.selectOptions(field(/^fast/), "yes");
    await user.click(run());
    expect(onRun).toHaveBeenCalledTimes(1);
    expect(onRun.mock.calls[0]![0]).toMatchObject({
      data: { class: "File", path: "/data/wine.csv" },
      depth: 7,
      names: ["red", "white"],
      metric: "f1",
      fast: true,
      settings: { seed: 1 },
    });
    expect(screen.getByRole("button", { name: "Starting…" })).toBeDisabled();
  });

  it("says at each field what is wrong, moves the focus to the first, and starts nothing", async () => {
    const { user, onRun } = show();
    await user.clear(field(/^depth/));
    await user.type(field(/^depth/), "many");
    await user.click(run());
    expect(onRun).not.toHaveBeenCalled();
    expect(screen.getByText("data is needed")).toBeVisible();
    expect(field(/^data/)).toHaveFocus();
    expect(field(/^data/)).toBeInvalid();
    expect(field(/^depth/)).toBeInvalid();
    expect(field(/^names/)).toBeValid();
  });

  it("says why a run was not started, and can be tried again", async () => {
    const onRun = vi.fn<RunDialogProps["onRun"]>(() => Promise.reject(new Error("The DAG is paused.")));
    const { user } = show({ onRun, inputs: [{ id: "depth", type: "int", default: 3 }] });
    await user.click(run());
    expect(await screen.findByRole("alert")).toHaveTextContent("The run was not startedThe DAG is paused.");
    expect(run()).toBeEnabled();
  });

  it("uploads a file of this computer, and can leave it out again", async () => {
    const { user, onUpload } = show({ inputs: [{ id: "data", type: "File" }] });
    const chooser = document.querySelector<HTMLInputElement>('input[type="file"]')!;
    await user.upload(chooser, new File(["a,b"], "wine.csv"));
    expect(onUpload).toHaveBeenCalledTimes(1);
    await user.click(await screen.findByRole("button", { name: "Leave out wine.csv" }));
    expect(field(/^data/)).toHaveValue("");
  });

  it("says why an upload failed", async () => {
    const { user } = show({
      inputs: [{ id: "data", type: "File" }],
      onUpload: () => Promise.reject(new Error("The file is too large.")),
    });
    await user.upload(document.querySelector<HTMLInputElement>('input[type="file"]')!, new File(["a"], "wine.csv"));
    expect(await screen.findByRole("alert")).toHaveTextContent("The file is too large.");
  });

  it("needs nothing where the workflow has no inputs, and closes by Cancel", async () => {
    const { user, onRun, onClose } = show({ inputs: [] });
    expect(screen.getByText("This workflow needs no input.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(onClose).toHaveBeenCalledTimes(1);
    expect(onRun).not.toHaveBeenCalled();
  });
});
