cwlVersion: v1.2
class: Workflow
doc: Sleeps a second for each name, in a container.
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
      requirements: {DockerRequirement: {dockerPull: "busybox:latest"}}
      baseCommand: [sleep, "1"]
      inputs: {name: string}
      outputs: []
