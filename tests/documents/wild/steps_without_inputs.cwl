cwlVersion: v1.0
class: Workflow
inputs: []
outputs:
  said: {type: File, outputSource: one/said}
steps:
  one:
    in: []
    out: [said]
    run: &tool
      class: CommandLineTool
      baseCommand: [echo, hello]
      inputs: []
      outputs: {said: stdout}
  two:
    in: {}
    out: []
    run: *tool
