cwlVersion: v1.2
class: Workflow
inputs:
  text: {type: string, default: x}
outputs:
  same: {type: string, outputSource: text}
steps: {}
