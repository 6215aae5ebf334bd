cwlVersion: v1.1
$graph:
- class: CommandLineTool
  id: one
  baseCommand: "true"
  inputs: []
  outputs: []
- class: CommandLineTool
  id: two
  baseCommand: "true"
  inputs: []
  outputs: []
