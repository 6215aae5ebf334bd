cwlVersion: v1.0
class: Workflow
id: dotted.ids__v1.2
inputs:
  in.put__one: {type: string, default: x}
  1st-input: {type: string, default: y}
outputs:
  out.put__all: {type: File, outputSource: step.1__say/said.aloud}
steps:
  step.1__say:
    in: {word.to__say: in.put__one}
    out: [said.aloud]
    run: &tool
      class: CommandLineTool
      baseCommand: echo
      inputs: {word.to__say: {type: string, inputBinding: {}}}
      outputs: {said.aloud: stdout}
  step.1_say:
    in: {word.to__say: 1st-input}
    out: [said.aloud]
    run: *tool
