cwlVersion: v1.2
class: Workflow
label: Count lines
doc: Counts the lines of a text.
inputs:
  text:
    type: File
    doc: A plain text.
outputs:
  count:
    type: int
    outputSource: read/number
  printed:
    type: File
    outputSource: count/printed
steps:
  count:
    run: tools/count.cwl
    in:
      text: text
    out: [printed]
  read:
    run: tools/read.cwl
    in:
      file: count/printed
    out: [number]
