"""Plans made by hand, to be drawn."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json, Link, Plan, Port, Step, ToolRef, Workflow

ODD_IDS = [
    'a"b',
    "<script>alert(1)</script>",
    "end",
    "1. x",
    "数据",
    "_u_\n*b* `c` [d](e) %% #quot;",
    "🚀",
    "--> n0",
    "\x00\x1b[2J",
]


def tool(kind: str = "CommandLineTool", container: str = "") -> ToolRef:
    return ToolRef(digest="d", kind=kind, container=container)


def step(name: str, *sources: str, run: ToolRef | Workflow | None = None, **more: Json) -> Step:
    """A step whose inputs i0, i1, … come from these sources."""
    links = tuple(Link(f"i{number}", (source,)) for number, source in enumerate(sources))
    return Step(name, run or tool(), links, ("out",), **more)


def plan(*steps: Step, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = (), label: str = "") -> Plan:
    root = Workflow(
        "main",
        inputs=tuple(Port(name, "File") for name in inputs),
        outputs=tuple(Link(f"out{number}", (source,)) for number, source in enumerate(outputs)),
        steps=steps,
        label=label,
    )
    return Plan("digest", root, "main.cwl", "Workflow", "v1.2")


def build_nested_plan() -> Plan:
    """A scattered sub-workflow, a conditional step and an expression."""
    fold = Workflow(
        "fold",
        inputs=(Port("i0", "File"), Port("i1", "Any")),
        outputs=(Link("out", ("evaluate/out",)),),
        steps=(step("split", "i0"), step("fit", "split/out", "i1"), step("evaluate", "fit/out", "split/out")),
    )
    return plan(
        step("clean", "table", doc="Drops what is <broken>."),
        step("grid", run=tool("ExpressionTool")),
        step("cv", "clean/out", "grid/out", run=fold, scatter=("i1",)),
        step("drift", "clean/out", "table", when="$(inputs.i0 != null)"),
        step("report", "cv/out", "drift/out", "table"),
        inputs=("table",),
        outputs=("report/out",),
        label="Train & compare",
    )


def build_plan_with_odd_ids() -> Plan:
    """Ids that would break every notation."""
    steps = [step(name, ODD_IDS[0]) for name in ODD_IDS]
    return plan(*steps, inputs=tuple(ODD_IDS), outputs=tuple(f"{name}/out" for name in ODD_IDS))


def build_chain_plan(size: int) -> Plan:
    """Each step takes from a few before it, and all share one input."""
    steps = []
    for number in range(size):
        before = sorted({max(0, number - 1), number * 7 % (number or 1)} - {number})
        steps.append(step(f"s{number}", "shared", *(f"s{other}/out" for other in before)))
    return plan(*steps, inputs=("shared",), outputs=(f"s{size - 1}/out",))


def build_gather_plan(size: int) -> Plan:
    """Many steps side by side, gathered by one."""
    steps = [step(f"s{number}", "shared") for number in range(size)]
    return plan(*steps, step("gather", *(f"{s.id}/out" for s in steps)), inputs=("shared",))
