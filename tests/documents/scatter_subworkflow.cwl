cwlVersion: v1.2
class: Workflow
doc: A workflow of two steps for each word; one word is left out.
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  words: {type: "string[]", default: [one, two, three]}
  left_out: {type: string, default: two}
outputs:
  shouted: {type: Any, outputSource: each/shouted}
  sizes: {type: Any, outputSource: each/size}
  all: {type: string, outputSource: join/text}
steps:
  each:
    scatter: word
    when: $(inputs.word != inputs.left_out)
    in: {word: words, left_out: left_out}
    out: [shouted, size]
    run:
      class: Workflow
      inputs: {word: string}
      outputs:
        shouted: {type: File, outputSource: shout/shouted}
        size: {type: int, outputSource: measure/size}
      steps:
        shout:
          in: {word: word}
          out: [shouted]
          run:
            class: CommandLineTool
            baseCommand: [sh, -c, 'echo "$0!"']
            inputs: {word: {type: string, inputBinding: {}}}
            outputs: {shouted: {type: stdout}}
            stdout: $(inputs.word).txt
        measure:
          in: {file: shout/shouted}
          out: [size]
          run:
            class: ExpressionTool
            inputs: {file: File}
            outputs: {size: int}
            expression: "${ return {size: inputs.file.size}; }"
  join:
    in:
      texts: {source: each/shouted, pickValue: all_non_null}
    out: [text]
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {texts: {type: "File[]", inputBinding: {}}}
      outputs:
        text:
          type: string
          outputBinding: {glob: all.txt, loadContents: true, outputEval: "$(self[0].contents)"}
      stdout: all.txt
