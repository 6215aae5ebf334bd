cwlVersion: v1.2
class: Workflow
requirements:
  SubworkflowFeatureRequirement: {}
inputs: []
outputs: []
steps:
  again:
    run: runs_itself.cwl
    in: []
    out: []
