cwlVersion: v1.2
class: Workflow
inputs: []
outputs: []
steps:
  far:
    run: https://cwl.example/tool.cwl
    in: []
    out: []
