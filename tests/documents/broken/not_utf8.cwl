cwlVersion: v1.2
class: CommandLineTool
label: café
baseCommand: echo
inputs: []
outputs: []
