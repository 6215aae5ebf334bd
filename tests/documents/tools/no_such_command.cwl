cwlVersion: v1.2
class: CommandLineTool
baseCommand: no-such-command-anywhere
inputs: []
outputs: []
