cwlVersion: v1.2
class: Workflow
doc: Every way to bring several values together.
requirements:
  MultipleInputFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  a: {type: string, default: a}
  none: string?
  b: {type: string, default: b}
  list: {type: "string[]", default: [x, y]}
  holes: {type: "string[]?", default: [p, q]}
outputs:
  nested: {type: Any, outputSource: show/nested}
  flattened: {type: Any, outputSource: show/flattened}
  one_flattened: {type: Any, outputSource: show/one_flattened}
  one_nested: {type: Any, outputSource: show/one_nested}
  first: {type: Any, outputSource: show/first}
  only: {type: Any, outputSource: show/only}
  all: {type: Any, outputSource: show/all}
  nothing: {type: Any, outputSource: show/nothing}
  defaulted: {type: Any, outputSource: show/defaulted}
  with_default: {type: Any, outputSource: show/with_default}
  computed: {type: Any, outputSource: show/computed}
  constant: {type: Any, outputSource: show/constant}
  from_output:
    type: Any
    outputSource: [none, a, b]
    pickValue: all_non_null
  flat_output:
    type: Any
    outputSource: [list, holes]
    linkMerge: merge_flattened
  first_output:
    type: string
    outputSource: [none, b]
    pickValue: first_non_null
steps:
  show:
    in:
      nested: {source: [a, none, list]}
      flattened: {source: [list, holes, a], linkMerge: merge_flattened}
      one_flattened: {source: list, linkMerge: merge_flattened}
      one_nested: {source: [a], linkMerge: merge_nested}
      first: {source: [none, a, b], pickValue: first_non_null}
      only: {source: [none, b], pickValue: the_only_non_null}
      all: {source: [none, a, none, b], pickValue: all_non_null}
      nothing: {source: [none], pickValue: all_non_null}
      defaulted: {source: none, default: instead}
      with_default: {source: a, default: instead}
      computed: {source: [a, b], valueFrom: $(self.join("+") + inputs.constant)}
      constant: {valueFrom: $("c" + "d"), default: e}
    out: &names [nested, flattened, one_flattened, one_nested, first, only, all, nothing, defaulted, with_default, computed, constant]
    run:
      class: ExpressionTool
      inputs:
        nested: Any?
        flattened: Any?
        one_flattened: Any?
        one_nested: Any?
        first: Any?
        only: Any?
        all: Any?
        nothing: Any?
        defaulted: Any?
        with_default: Any?
        computed: Any?
        constant: Any?
      outputs:
        nested: Any?
        flattened: Any?
        one_flattened: Any?
        one_nested: Any?
        first: Any?
        only: Any?
        all: Any?
        nothing: Any?
        defaulted: Any?
        with_default: Any?
        computed: Any?
        constant: Any?
      expression: $(inputs)
