cwlVersion: v1.2
class: CommandLineTool
hints:
  DockerRequirement:
    dockerPull: example/image:1
baseCommand: "true"
inputs: []
outputs: []
