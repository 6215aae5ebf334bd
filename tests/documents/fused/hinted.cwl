cwlVersion: v1.2
class: Workflow
doc: A fused scatter and a fused sub-workflow beside a step with a task of its own.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  words: {type: "string[]", default: [one, two, three]}
outputs:
  lines: {type: "File[]", outputSource: write/line}
  upper: {type: File, outputSource: both/upper}
  total: {type: int, outputSource: both/total}
steps:
  write:
    hints: {mlcraft:Fuse: {}}
    run: &write
      class: CommandLineTool
      baseCommand: echo
      inputs: {word: {type: string, inputBinding: {}}}
      outputs: {line: stdout}
      stdout: $(inputs.word).txt
    scatter: word
    in: {word: words}
    out: [line]
  join:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {parts: {type: "File[]", inputBinding: {}}}
      outputs: {all: stdout}
      stdout: all.txt
    in: {parts: write/line}
    out: [all]
  both:
    hints: {mlcraft:Fuse: {}}
    run:
      class: Workflow
      inputs: {text: File, extra: int}
      outputs:
        upper: {type: File, outputSource: raise/upper}
        total: {type: int, outputSource: add/total}
      steps:
        raise:
          run:
            class: CommandLineTool
            baseCommand: [tr, a-z, A-Z]
            inputs: {text: File}
            stdin: $(inputs.text.path)
            outputs: {upper: stdout}
            stdout: upper.txt
          in: {text: text}
          out: [upper]
        add:
          run:
            class: ExpressionTool
            inputs: {text: {type: File, loadContents: true}, extra: int}
            outputs: {total: int}
            expression: '${return {"total": inputs.text.contents.trim().split("\n").length + inputs.extra};}'
          in: {text: raise/upper, extra: extra}
          out: [total]
    in:
      text: join/all
      words: words
      extra: {valueFrom: $(inputs.words.length)}
    out: [upper, total]
