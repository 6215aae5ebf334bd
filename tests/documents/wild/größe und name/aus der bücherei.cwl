cwlVersion: v1.2
class: Workflow
inputs: {wort: string}
outputs:
  gesagt: {type: File, outputSource: sagen/said}
steps:
  sagen: {run: "../several/library.cwl#shout", in: {word: wort}, out: [said]}
