cwlVersion: v1.2
class: Workflow
doc: The condition of a step in a fused sub-workflow gives a text.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {SubworkflowFeatureRequirement: {}}
hints: {mlcraft:Fuse: {}}
inputs: {word: {type: string, default: a}}
outputs: {said: {type: File, outputSource: outer/said}}
steps:
  outer:
    run:
      class: Workflow
      inputs: {word: string}
      outputs: {said: {type: File, outputSource: say/said}}
      steps:
        say:
          run:
            class: CommandLineTool
            baseCommand: echo
            inputs: {word: {type: string, inputBinding: {}}}
            outputs: {said: stdout}
            stdout: said.txt
          when: $(inputs.word)
          in: {word: word}
          out: [said]
    in: {word: word}
    out: [said]
