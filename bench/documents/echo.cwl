cwlVersion: v1.2
class: Workflow
doc: Says each word by a tool of its own.
requirements: {ScatterFeatureRequirement: {}}
inputs: {words: "string[]"}
outputs: {said: {type: "File[]", outputSource: say/said}}
steps:
  say:
    scatter: word
    in: {word: words}
    out: [said]
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs: {word: {type: string, inputBinding: {}}}
      outputs: {said: stdout}
