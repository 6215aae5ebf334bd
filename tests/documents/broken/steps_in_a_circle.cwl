cwlVersion: v1.2
class: Workflow
inputs: []
outputs: []
steps:
  hen:
    in:
      text: egg/said
    out: [said]
    run: &echo
      class: CommandLineTool
      baseCommand: echo
      stdout: said.txt
      inputs:
        text: File
      outputs:
        said: stdout
  egg:
    in:
      text: hen/said
    out: [said]
    run: *echo
