cwlVersion: v1.2
class: Workflow
requirements:
  ScatterFeatureRequirement: {}
inputs:
  words: string[]
outputs: []
steps:
  say:
    scatter: wrod
    in:
      word: words
    out: []
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs:
        word: string
      outputs: []
