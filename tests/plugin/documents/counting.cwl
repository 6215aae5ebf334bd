cwlVersion: v1.2
class: Workflow
inputs:
  texts: File[]
  count: boolean?
steps:
  lines:
    run:
      class: CommandLineTool
      baseCommand: [wc, -l]
      inputs:
        texts: {type: "File[]", inputBinding: {}}
      stdout: lines.txt
      outputs:
        lines: stdout
    in: {texts: texts}
    out: [lines]
    sbg:x: 30
    sbg:y: 40
outputs:
  lines:
    type: File
    outputSource: lines/lines
$namespaces: {sbg: "https://www.sevenbridges.com/"}
