cwlVersion: v1.0
class: Workflow
requirements:
- class: SchemaDefRequirement
  types:
  - $import: types/sample.yml
- class: InlineJavascriptRequirement
inputs:
  sample: types/sample.yml#sample
outputs:
  label: {type: string, outputSource: name_of/label}
steps:
  name_of:
    in: {sample: sample}
    out: [label]
    run:
      class: ExpressionTool
      inputs: {sample: types/sample.yml#sample}
      outputs: {label: string}
      expression: "${ return {label: inputs.sample.label}; }"
