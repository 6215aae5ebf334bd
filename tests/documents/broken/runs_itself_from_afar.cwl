cwlVersion: v1.2
class: Workflow
requirements:
  SubworkflowFeatureRequirement: {}
inputs: []
outputs: []
steps:
- id: away
  in: []
  out: []
  run: runs_itself_packed.cwl
