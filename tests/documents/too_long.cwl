cwlVersion: v1.2
class: Workflow
doc: More items than Airflow maps over.
requirements:
  InlineJavascriptRequirement: {}
  ScatterFeatureRequirement: {}
inputs:
  numbers: int[]
outputs:
  doubled: {type: "int[]", outputSource: double/n}
steps:
  double:
    scatter: n
    in: {n: numbers}
    out: [n]
    run:
      class: ExpressionTool
      inputs: {n: int}
      outputs: {n: int}
      expression: "$({n: 2 * inputs.n})"
