cwlVersion: v1.2
class: CommandLineTool
baseCommand: echo
inputs:
  word: string
  word: int
outputs: []
