cwlVersion: v1.2
class: Workflow
doc: Counts the lines of a text, and makes a number of what was counted.
requirements:
  InlineJavascriptRequirement: {}
inputs:
  text: File
outputs:
  lines: {type: int, outputSource: parse/number}
steps:
  count:
    run:
      class: CommandLineTool
      baseCommand: [sed, -n, $=]
      stdin: $(inputs.text.path)
      stdout: counted
      inputs: {text: File}
      outputs:
        counted: {type: File, outputBinding: {glob: counted}}
    in: {text: text}
    out: [counted]
  parse:
    run:
      class: ExpressionTool
      inputs:
        counted: {type: File, loadContents: true}
      outputs: {number: int}
      expression: "$({'number': parseInt(inputs.counted.contents)})"
    in: {counted: count/counted}
    out: [number]
