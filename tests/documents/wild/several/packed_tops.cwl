cwlVersion: v1.2
$graph:
- class: CommandLineTool
  id: say
  baseCommand: echo
  inputs: {word: {type: string, inputBinding: {}}}
  outputs: {said: stdout}
- class: CommandLineTool
  id: nobody_runs_me
  baseCommand: "true"
  inputs: []
  outputs: []
- class: Workflow
  id: first
  inputs: {word: string}
  outputs: {said: {type: File, outputSource: speak/said}}
  steps:
    speak: {run: "#say", in: {word: word}, out: [said]}
- class: Workflow
  id: second
  inputs: {word: string}
  outputs: {said: {type: File, outputSource: speak/said}}
  steps:
    speak: {run: "#say", in: {word: word}, out: [said]}
