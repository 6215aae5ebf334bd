/** The forms beside the picture: a step, inputs, outputs, constants, several nodes, the workflow. */
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useSyncExternalStore } from "react";
import { describe, expect, it, vi } from "vitest";
import { openSession } from "../../testing/documents";
import type { Session } from "../session";
import { Inspector } from "./Inspector";

function Form({ session, onOpen }: { session: Session; onOpen: (path: string) => void }) {
  const state = useSyncExternalStore(session.subscribe, session.snapshot);
  return (
    <Inspector
      session={session}
      state={state}
      schema={undefined}
      onOpen={onOpen}
      onConnect={() => undefined}
      nextPlace={() => undefined}
      standing={() => state.graph.nodes.map(({ key }, index) => ({ key, position: { x: index * 10, y: index } }))}
    />
  );
}

function show(selected: string[], session = openSession()) {
  session.select(new Set(selected));
  const onOpen = vi.fn();
  render(<Form session={session} onOpen={onOpen} />);
  return { session, onOpen, user: userEvent.setup() };
}

/** The card of one input of a step. */
const port = (name: string) =>
  within(screen.getByRole("combobox", { name: `Connect ${name} of count` }).closest("li")!);

describe("the form of a step", () => {
  it("shows what it runs and what goes into it", async () => {
    const { user, onOpen } = show(["step:count"]);
    const form = within(screen.getByRole("complementary", { name: "Step count" }));
    expect(form.getByText("CommandLineTool")).toBeVisible();
    expect(form.getByText("Counts the words of a text.")).toBeVisible();
    expect(port("text").getByText("book")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Open" }));
    expect(onOpen.mock.calls).toEqual([["tools/count.cwl"]]);
  });

  it("renames the step, with all that refers to it", async () => {
    const { user, session } = show(["step:count"]);
    const name = screen.getByLabelText("Name");
    await user.clear(name);
    await user.type(name, "tally{Enter}");
    expect(screen.getByRole("complementary", { name: "Step tally" })).toBeVisible();
    expect(session.state.text).toContain("outputSource: tally/counts");
  });

  it("refuses a name that is taken or no name, and Escape takes it back", async () => {
    const { user, session } = show(["step:count"]);
    const before = session.state.text;
    const name = screen.getByLabelText("Name");
    await user.clear(name);
    await user.type(name, "split{Enter}");
    expect(screen.getByRole("alert")).toHaveTextContent("There is another step called split.");
    await user.clear(name);
    await user.type(name, "two words{Enter}");
    expect(screen.getByRole("alert")).toHaveTextContent("A name has no spaces, no / and no #.");
    await user.keyboard("{Escape}");
    expect(name).toHaveValue("count");
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    expect(session.state.text).toBe(before);
  });

  it("disconnects an input, says what is missing, and connects it to a list item by item", async () => {
    const { user, session } = show(["step:count"]);
    await user.click(port("text").getByRole("button", { name: "Disconnect book" }));
    expect(within(screen.getByRole("list", { name: "Problems" })).getByRole("listitem")).toHaveTextContent(
      "Step count needs a value for text (File).",
    );
    const choices = port("text").getByRole("combobox");
    expect(within(choices).queryByRole("option", { name: "count/counts" })).not.toBeInTheDocument();
    await user.selectOptions(choices, "each of split/parts");
    expect(port("text").getByText("each of split/parts")).toBeVisible();
    expect(screen.getByRole("checkbox", { name: "text" })).toBeChecked();
    expect(session.state.workflow!.steps[1]!.scatter).toEqual(["text"]);
  });

  it("makes a new input of the workflow for an input of the step", async () => {
    const { user, session } = show(["step:count"]);
    await user.selectOptions(port("mode").getByRole("combobox"), "a new input");
    expect(port("mode").getByRole("button", { name: "Disconnect mode" })).toBeVisible();
    expect(session.state.workflow!.inputs.map((one) => one.id)).toContain("mode");
  });

  it("takes a condition, and refuses one that is no expression", async () => {
    const { user, session } = show(["step:count"]);
    const when = screen.getByLabelText("Runs only when");
    await user.type(when, "always{Enter}");
    expect(screen.getByRole("alert")).toHaveTextContent("An expression is needed");
    await user.clear(when);
    await user.type(when, "$(inputs.least > 3){Enter}");
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    expect(session.state.text).toContain("when: $(inputs.least > 3)");
  });

  it("makes an output of what the step gives", async () => {
    const { user } = show(["step:split"]);
    const make = screen.getByRole("button", { name: "Make an output", hidden: true });
    await user.click(make);
    expect(screen.queryByRole("button", { name: "Make an output", hidden: true })).not.toBeInTheDocument();
  });

  it("removes the step", async () => {
    const { user } = show(["step:count"]);
    await user.click(screen.getByRole("button", { name: "Remove the step" }));
    expect(screen.getByRole("complementary", { name: "Workflow" })).toBeVisible();
  });

  it("can only be looked at where nobody may edit", () => {
    show(["step:count"], openSession(undefined, false));
    expect(screen.getByLabelText("Name")).toBeDisabled();
    expect(screen.getByLabelText("Value of least")).toBeDisabled();
    expect(screen.queryByRole("button", { name: "Remove the step" })).not.toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /^Disconnect/ })).not.toBeInTheDocument();
  });
});

describe("a constant", () => {
  it("is typed where nothing goes in, and is written by its type", async () => {
    const { user, session } = show(["step:count"]);
    await user.type(screen.getByLabelText("Value of least"), "3{Enter}");
    await user.type(screen.getByLabelText("Value of mode"), "3{Enter}");
    expect(screen.getByLabelText("Value of least")).toHaveValue("3");
    expect(session.state.workflow!.steps[1]!.links.map(({ item }) => item.fields["default"])).toEqual([
      undefined,
      3,
      "3",
    ]);
  });

  it("of another type is refused", async () => {
    const { user, session } = show(["step:count"]);
    const before = session.state.text;
    await user.type(screen.getByLabelText("Value of least"), "few{Enter}");
    expect(screen.getByRole("alert")).toHaveTextContent("A whole number is needed.");
    expect(session.state.text).toBe(before);
  });

  it("is gone when it is emptied, and back after undo", async () => {
    const { user, session } = show(["step:count"]);
    const least = screen.getByLabelText("Value of least");
    await user.type(least, "3{Enter}");
    await user.clear(least);
    await user.keyboard("{Enter}");
    expect(session.state.text).not.toContain("default");
    session.undo();
    expect(await screen.findByDisplayValue("3")).toBe(least);
  });
});

describe("the form of an input", () => {
  it("changes its type and its default", async () => {
    const { user, session } = show(["input:names"]);
    expect(screen.getByLabelText("Type")).toHaveValue("string");
    expect(screen.getByRole("checkbox", { name: "list" })).toBeChecked();
    await user.click(screen.getByRole("checkbox", { name: "list" }));
    await user.selectOptions(screen.getByLabelText("Type"), "int");
    await user.click(screen.getByRole("checkbox", { name: "optional" }));
    await user.type(screen.getByLabelText("Default"), "7{Enter}");
    expect(screen.getByLabelText("Type")).toHaveValue("int");
    expect(screen.getByLabelText("Default")).toHaveValue("7");
    const { fields } = session.state.workflow!.inputs[1]!;
    expect(fields).toMatchObject({ type: "int?", default: 7 });
  });

  it("asks for a file format of files alone", () => {
    show(["input:book"]);
    expect(screen.getByLabelText("File format")).toBeVisible();
  });
});

describe("the form of an output", () => {
  it("shows where it comes from, and how several sources become one", async () => {
    const { user } = show(["output:result"]);
    const form = within(screen.getByRole("complementary", { name: "Output result" }));
    expect(form.getByText("count/counts")).toBeVisible();
    await user.selectOptions(form.getByRole("combobox", { name: "Connect result" }), "book");
    expect(form.getByRole("button", { name: "Disconnect book" })).toBeVisible();
    expect(form.getByLabelText("Several sources give")).toBeVisible();
    await user.click(form.getByRole("button", { name: "Disconnect count/counts" }));
    expect(form.queryByRole("button", { name: "Disconnect count/counts" })).not.toBeInTheDocument();
    expect(form.queryByLabelText("Several sources give")).not.toBeInTheDocument();
  });
});

describe("the forms of several nodes and of the workflow", () => {
  it("puts nodes in a row, and removes them together", async () => {
    const { user, session } = show(["step:split", "step:count"]);
    expect(screen.getByRole("heading", { name: "2 selected" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "In a row" }));
    const [one, other] = session.state.graph.nodes.filter((node) => node.kind === "step");
    expect(one!.position!.y).toBe(other!.position!.y);
    await user.click(screen.getByRole("button", { name: "Remove them" }));
    expect(session.state.workflow!.steps).toEqual([]);
    expect(screen.getByRole("complementary", { name: "Workflow" })).toBeVisible();
  });

  it("adds an input and goes to its form", async () => {
    const { user } = show([]);
    expect(screen.getByLabelText("CWL version")).toHaveValue("v1.2");
    await user.click(screen.getByRole("button", { name: "Add an input" }));
    expect(screen.getByRole("complementary", { name: "Input input" })).toBeVisible();
  });

  it("goes from the list of inputs to the form of one", async () => {
    const { user } = show([]);
    await user.click(screen.getByRole("button", { name: /^names/ }));
    expect(screen.getByRole("complementary", { name: "Input names" })).toBeVisible();
  });
});
