cwlVersion: v1.0
class: CommandLineTool
baseCommand: [echo, other]
inputs: []
outputs: []
