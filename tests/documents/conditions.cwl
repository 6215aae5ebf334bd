cwlVersion: v1.2
class: Workflow
doc: Steps and a sub-workflow that may be skipped; those after them go on.
requirements:
  InlineJavascriptRequirement: {}
  SubworkflowFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
  ScatterFeatureRequirement: {}
inputs:
  wanted: {type: boolean, default: false}
  numbers: {type: "int[]", default: [1, 2, 3]}
outputs:
  maybe: {type: "string?", outputSource: maybe/said}
  inside: {type: "string?", outputSource: inside/said}
  either:
    type: string
    outputSource: [maybe/said, inside/said, always/said]
    pickValue: first_non_null
  after: {type: string, outputSource: after/said}
  holes: {type: Any, outputSource: some/said}
  held:
    type: "string[]"
    outputSource: some/said
    pickValue: all_non_null
steps:
  maybe:
    when: $(inputs.wanted)
    in: {wanted: wanted, text: {default: maybe}}
    out: [said]
    run: &say
      class: ExpressionTool
      inputs: {text: Any}
      outputs: {said: string}
      expression: "${ return {said: 'said ' + inputs.text}; }"
  always:
    in: {text: {default: always}}
    out: [said]
    run: *say
  inside:
    when: $(inputs.wanted)
    in: {wanted: wanted}
    out: [said]
    run:
      class: Workflow
      inputs: []
      outputs: {said: {type: string, outputSource: second/said}}
      steps:
        first:
          in: {text: {default: first}}
          out: [said]
          run: *say
        second:
          in: {text: first/said}
          out: [said]
          run: *say
  some:
    scatter: text
    when: $(inputs.text != 2)
    in: {text: numbers}
    out: [said]
    run: *say
  after:
    in:
      text: {source: [maybe/said, always/said], pickValue: the_only_non_null}
    out: [said]
    run: *say
