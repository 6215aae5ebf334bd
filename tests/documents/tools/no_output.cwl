cwlVersion: v1.2
class: CommandLineTool
doc: Promises a file that it does not make.
baseCommand: "true"
inputs: []
outputs:
  promised:
    type: File
    outputBinding: {glob: promised.txt}
