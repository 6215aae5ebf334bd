#!/usr/bin/env cwl-runner
cwlVersion: v1.0
$graph:
- class: CommandLineTool
  id: say
  baseCommand: echo
  inputs: {word: {type: string, inputBinding: {}}}
  outputs: {said: stdout}
- class: Workflow
  id: greet
  inputs: {word: string}
  outputs: {said: {type: File, outputSource: speak/said}}
  steps:
    speak: {run: "#say", in: {word: word}, out: [said]}
