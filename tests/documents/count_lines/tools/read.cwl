cwlVersion: v1.2
class: ExpressionTool
requirements:
  InlineJavascriptRequirement: {}
inputs:
  file:
    type: File
    loadContents: true
outputs:
  number: int
expression: "${ return {number: parseInt(inputs.file.contents)}; }"
