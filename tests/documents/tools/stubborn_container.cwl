cwlVersion: v1.2
class: CommandLineTool
doc: Tells the name of its container, and does not end when it is asked to.
requirements:
  InlineJavascriptRequirement: {}
  DockerRequirement: {dockerPull: "busybox:latest"}
  ToolTimeLimit: {timelimit: $(inputs.seconds)}
baseCommand: [sh, -c, "trap '' TERM; hostname; sleep 600"]
inputs: {seconds: int}
outputs: []
