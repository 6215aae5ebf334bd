cwlVersion: v1.2
class: Workflow
doc: The tool kills the process that runs it.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {ScatterFeatureRequirement: {}}
inputs: {names: {type: "string[]", default: [one]}}
outputs: {lines: {type: "File[]", outputSource: each/line}}
hints: {mlcraft:Fuse: {}}
steps:
  each:
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'kill -9 $PPID']
      inputs: {name: {type: string, inputBinding: {}}}
      outputs: {line: stdout}
      stdout: line.txt
    scatter: name
    in: {name: names}
    out: [line]
