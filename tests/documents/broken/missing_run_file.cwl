cwlVersion: v1.2
class: Workflow
inputs: []
outputs: []
steps:
  first:
    run: not_there.cwl
    in: []
    out: []
