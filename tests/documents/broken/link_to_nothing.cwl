cwlVersion: v1.2
class: Workflow
inputs:
  text: string
outputs: []
steps:
  say:
    in:
      word: txet
    out: []
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs:
        word: string
      outputs: []
