cwlVersion: v1.2
class: Workflow
inputs: {word: string}
outputs:
  zero: {type: File, outputSource: zero/said}
  one: {type: File, outputSource: one/said}
steps:
  zero: {run: tool_v10.cwl, in: {word: word}, out: [said]}
  one: {run: tool_v11.cwl, in: {word: word}, out: [said]}
