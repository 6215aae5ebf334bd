cwlVersion: v1.0
class: CommandLineTool
id: measure_text
label: Measure text
doc: The numbers of lines and words of a text.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- wc
inputs:
- id: text
  type: File
  label: Text
  doc: A plain text.
outputs:
- id: lines
  type: int
  label: Lines
  doc: The number of lines.
  outputBinding:
    glob: measures.txt
    loadContents: true
    outputEval: $(parseInt(self[0].contents.trim().split(/\s+/)[0], 10))
- id: words
  type: int
  label: Words
  doc: The number of words.
  outputBinding:
    glob: measures.txt
    loadContents: true
    outputEval: $(parseInt(self[0].contents.trim().split(/\s+/)[1], 10))
requirements:
- class: InlineJavascriptRequirement
stdin: $(inputs.text.path)
stdout: measures.txt
