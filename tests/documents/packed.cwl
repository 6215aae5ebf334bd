cwlVersion: v1.2
$graph:
- class: CommandLineTool
  id: shout
  baseCommand: echo
  stdout: shout.txt
  inputs:
    word:
      type: string
      inputBinding: {}
  outputs:
    heard: stdout
- class: Workflow
  id: main
  inputs:
    word: string
  outputs:
    heard:
      type: File
      outputSource: shout/heard
  steps:
    shout:
      run: "#shout"
      in:
        word: word
      out: [heard]
