cwlVersion: v1.2
class: Workflow
inputs:
  many: string
outputs:
  total:
    type: int
    outputSource: count/n
steps:
  count:
    in:
      number: many
    out: [n]
    run:
      class: ExpressionTool
      requirements:
        InlineJavascriptRequirement: {}
      inputs:
        number: int
      outputs:
        n: int
      expression: "${ return {n: inputs.number}; }"
