cwlVersion: v1.0
class: CommandLineTool
$namespaces:
  arv: http://arvados.example/cwl#
  sbg: https://sbg.example/
hints:
- class: arv:RuntimeConstraints
  keep_cache: 1024
- class: sbg:AWSInstanceType
  value: c4.8xlarge
- class: unknown:Hint
  field: [1, {a: b}]
sbg:projectName: somewhere
sbg:revision: 3
baseCommand: echo
inputs:
  word: {type: string, sbg:category: words, inputBinding: {}}
outputs: []
