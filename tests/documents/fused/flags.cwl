cwlVersion: v1.2
class: Workflow
doc: Each item notes that it ran, and fails as long as its flag is missing.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {ScatterFeatureRequirement: {}}
inputs:
  names: {type: "string[]", default: [one, two, three]}
  folder: string
outputs: {all: {type: File, outputSource: join/all}}
steps:
  each:
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'echo "$0" >> "$1/ran"; test -e "$1/$0" && echo "$0"']
      inputs:
        name: {type: string, inputBinding: {position: 1}}
        folder: {type: string, inputBinding: {position: 2}}
      outputs: {line: stdout}
      stdout: line.txt
      temporaryFailCodes: [1]
    scatter: name
    in: {name: names, folder: folder}
    out: [line]
  join:
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs: {parts: {type: "File[]", inputBinding: {}}}
      outputs: {all: stdout}
      stdout: all.txt
    in: {parts: each/line}
    out: [all]
hints: {mlcraft:Fuse: {}}
