cwlVersion: v1.2
class: Workflow
doc: Sleeps a second for each name.
requirements: {ScatterFeatureRequirement: {}}
inputs: {names: "string[]"}
outputs: []
steps:
  nap:
    scatter: name
    in: {name: names}
    out: []
    run:
      class: CommandLineTool
      baseCommand: [sleep, "1"]
      inputs: {name: string}
      outputs: []
