cwlVersion: v1.2
class: Workflow
doc: All steps run in one task.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {ScatterFeatureRequirement: {}, SubworkflowFeatureRequirement: {}}
hints: {mlcraft:Fuse: {}}
inputs: {people: "string[]"}
outputs: {lines: {type: "File[]", outputSource: outer/lines}}
steps:
  outer:
    run:
      class: Workflow
      requirements: {ScatterFeatureRequirement: {}}
      inputs: {people: "string[]"}
      outputs: {lines: {type: "File[]", outputSource: greet/line}}
      steps:
        greet:
          run:
            class: CommandLineTool
            baseCommand: [sh, -c, 'test "$0" != Nobody && echo "Hello $0"']
            inputs: {person: {type: string, inputBinding: {}}}
            outputs: {line: stdout}
            stdout: line.txt
          scatter: person
          in: {person: people}
          out: [line]
    in: {people: people}
    out: [lines]
