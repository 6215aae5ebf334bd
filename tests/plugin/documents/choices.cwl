# Inputs of types that have no short form.
cwlVersion: v1.2
class: Workflow
label: Choices
inputs:
  size:
    type: {type: enum, name: size, symbols: [small, large]}
  colour:
    type: ["null", {type: enum, name: colour, symbols: [red, blue]}]
  number:
    type: [int, string]
    default: 1
steps:
  tell:
    run:
      class: CommandLineTool
      baseCommand: [echo]
      inputs:
        size:
          type: {type: enum, name: size, symbols: [small, large]}
          inputBinding: {}
      stdout: choice.txt
      outputs:
        choice: stdout
    in: {size: size}
    out: [choice]
outputs:
  choice:
    type: File
    outputSource: tell/choice
