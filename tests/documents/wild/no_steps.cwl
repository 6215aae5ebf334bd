cwlVersion: v1.0
class: Workflow
inputs:
  text: string?
outputs: []
steps: []
