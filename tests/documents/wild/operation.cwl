cwlVersion: v1.2
class: Workflow
inputs:
  text: File
outputs:
  report: {type: File, outputSource: judge/report}
steps:
  judge:
    in: {text: text}
    out: [report]
    run:
      class: Operation
      inputs: {text: File}
      outputs: {report: File}
