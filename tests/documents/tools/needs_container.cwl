cwlVersion: v1.2
class: CommandLineTool
requirements:
  DockerRequirement:
    dockerPull: example/image:1
baseCommand: "true"
inputs: []
outputs: []
