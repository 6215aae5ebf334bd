cwlVersion: v1.2
class: CommandLineTool
baseCommand: echo
inputs:
  $import: imports_itself.cwl
outputs: []
