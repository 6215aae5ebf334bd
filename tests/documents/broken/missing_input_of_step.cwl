cwlVersion: v1.2
class: Workflow
inputs: []
outputs: []
steps:
  say:
    in: []
    out: []
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs:
        word: string
      outputs: []
