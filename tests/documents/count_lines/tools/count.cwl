cwlVersion: v1.2
class: CommandLineTool
doc:
  $include: count.txt
baseCommand: [wc, -l]
stdin: $(inputs.text.path)
stdout: count.txt
inputs:
  text: File
outputs:
  printed: stdout
