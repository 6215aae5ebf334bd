cwlVersion: v1.2
class: Workflow
doc: Every way to scatter one step.
requirements:
  ScatterFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  letters: {type: "string[]", default: [a, b]}
  digits: {type: "int[]", default: [1, 2]}
  three: {type: "string[]", default: [x, y, z]}
  none: {type: "string[]", default: []}
outputs:
  single: {type: "string[]", outputSource: single/joined}
  dot: {type: "string[]", outputSource: dot/joined}
  flat: {type: "string[]", outputSource: flat/joined}
  nested: {type: Any, outputSource: nested/joined}
  empty: {type: "string[]", outputSource: empty/joined}
  empty_inside: {type: Any, outputSource: empty_inside/joined}
  computed: {type: "string[]", outputSource: computed/joined}
steps:
  single:
    run: &join
      class: ExpressionTool
      inputs: {left: Any, right: Any}
      outputs: {joined: string}
      expression: "${ return {joined: inputs.left + '-' + inputs.right}; }"
    scatter: left
    in: {left: letters, right: {default: fixed}}
    out: [joined]
  dot:
    run: *join
    scatter: [left, right]
    scatterMethod: dotproduct
    in: {left: letters, right: digits}
    out: [joined]
  flat:
    run: *join
    scatter: [left, right]
    scatterMethod: flat_crossproduct
    in: {left: letters, right: three}
    out: [joined]
  nested:
    run: *join
    scatter: [left, right]
    scatterMethod: nested_crossproduct
    in: {left: letters, right: three}
    out: [joined]
  empty:
    run: *join
    scatter: left
    in: {left: none, right: {default: fixed}}
    out: [joined]
  empty_inside:
    run: *join
    scatter: [left, right]
    scatterMethod: nested_crossproduct
    in: {left: letters, right: none}
    out: [joined]
  computed:
    run: *join
    scatter: left
    in:
      left: {source: letters, valueFrom: $(self + self)}
      right: {source: digits, valueFrom: $(self.length + inputs.left)}
    out: [joined]
