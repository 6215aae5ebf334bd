cwlVersion: v1.2
class: CommandLineTool
doc: Ends with the exit code that it is told.
successCodes: [0, 3]
temporaryFailCodes: [4]
permanentFailCodes: [5]
baseCommand: [sh, -c, 'echo "the code is $0" >&2; touch made.txt; exit $0']
inputs:
  code:
    type: int
    inputBinding: {}
outputs:
  made:
    type: File
    outputBinding: {glob: made.txt}
