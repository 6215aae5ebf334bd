cwlVersion: v1.3.0-dev1
class: Workflow
doc: Appends a line to a file until it has as many as are asked for.
requirements: {InlineJavascriptRequirement: {}, StepInputExpressionRequirement: {}}
inputs:
  lines: {type: int, default: 5}
outputs:
  text: {type: File, outputSource: append/text}
steps:
  append:
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'cat $1 /dev/null; echo "line $0"']
      inputs:
        number: {type: int, inputBinding: {position: 1}}
        before: {type: File?, inputBinding: {position: 2}}
      outputs: {text: stdout}
      stdout: text.txt
    in:
      lines: lines
      number: {default: 1}
      before: {default: null}
    when: $(inputs.number <= inputs.lines)
    loop:
      number: {valueFrom: $(inputs.number + 1)}
      before: text
    out: [text]
