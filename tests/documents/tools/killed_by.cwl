cwlVersion: v1.2
class: CommandLineTool
doc: Ends by a signal, or with an exit code as a shell has it for one.
baseCommand: [sh, -c, 'eval "$0"']
permanentFailCodes: [143]
inputs:
  how: {type: string, inputBinding: {}}
outputs: []
