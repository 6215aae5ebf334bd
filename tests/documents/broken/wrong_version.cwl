class: CommandLineTool
cwlVersion: draft-3
baseCommand: echo
inputs: []
outputs: []
