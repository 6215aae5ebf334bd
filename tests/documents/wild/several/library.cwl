cwlVersion: v1.2
$graph:
- class: CommandLineTool
  id: say
  baseCommand: echo
  inputs: {word: {type: string, inputBinding: {}}}
  outputs: {said: stdout}
- class: CommandLineTool
  id: shout
  baseCommand: echo
  inputs: {word: {type: string, inputBinding: {}}}
  outputs: {said: stdout}
