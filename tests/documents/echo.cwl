cwlVersion: v1.2
class: CommandLineTool
id: echo
label: Echo
doc: Writes a word into a file.
baseCommand: [printf, '%s\n']
stdout: $(inputs.name)
inputs:
  word:
    type: string
    inputBinding: {}
    doc: What to write.
  name:
    type: string
    default: echoed.txt
    doc: The name of the file.
outputs:
  echoed: stdout
