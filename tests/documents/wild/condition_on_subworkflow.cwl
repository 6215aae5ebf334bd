cwlVersion: v1.2
class: Workflow
requirements:
  SubworkflowFeatureRequirement: {}
  ScatterFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
  InlineJavascriptRequirement: {}
  StepInputExpressionRequirement: {}
inputs:
  words: {type: "string[]", default: [a, b]}
  really: {type: boolean, default: false}
outputs:
  said:
    type: Any
    outputSource: [each/said, once/said]
    pickValue: all_non_null
steps:
  each:
    in: {word: words, really: really}
    scatter: word
    when: $(inputs.really)
    out: [said]
    run: &inner
      class: Workflow
      inputs: {word: string}
      outputs: {said: {type: File, outputSource: say/said}}
      steps:
        say:
          in: {word: word}
          out: [said]
          run:
            class: CommandLineTool
            baseCommand: echo
            inputs: {word: {type: string, inputBinding: {}}}
            outputs: {said: stdout}
  once:
    in:
      word: {source: words, valueFrom: "$(self[0])"}
      really: really
    when: $(inputs.really)
    out: [said]
    run: *inner
