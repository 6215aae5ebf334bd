cwlVersion: v1.0
class: Workflow
id: slow
label: Slow
$namespaces:
  sbg: https://www.sevenbridges.com/
inputs:
- id: seconds
  type: int[]
  sbg:x: 0
  sbg:y: 0
- id: mark
  type: string
  sbg:x: 0
  sbg:y: 150
outputs: []
steps:
- id: sleep
  label: Sleep
  run: slow_tools/sleep.cwl
  in:
  - id: seconds
    source: seconds
  - id: mark
    source: mark
  out: []
  scatter:
  - seconds
  sbg:x: 300
  sbg:y: 50
requirements:
- class: ScatterFeatureRequirement
