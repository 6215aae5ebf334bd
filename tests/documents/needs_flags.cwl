cwlVersion: v1.2
class: Workflow
doc: Tools that fail as long as the file that they look for is not there.
requirements:
  ScatterFeatureRequirement: {}
inputs:
  folder: string
  words: {type: "string[]", default: [one, two, three]}
outputs:
  found: {type: "File[]", outputSource: each/found}
  all: {type: File, outputSource: all/all}
steps:
  first:
    in: {folder: folder, word: {default: first}}
    out: [found]
    run: &look
      class: CommandLineTool
      baseCommand: [sh, -c, 'echo "$1"; test -e "$0/$1" || { echo "there is no $1" >&2; exit 7; }']
      stdout: $(inputs.word).txt
      inputs:
        folder: {type: string, inputBinding: {position: 0}}
        word: {type: string, inputBinding: {position: 1}}
        after: File?
      outputs: {found: stdout}
  each:
    scatter: word
    in: {folder: folder, word: words, after: first/found}
    out: [found]
    run: *look
  all:
    in: {files: each/found}
    out: [all]
    run:
      class: CommandLineTool
      baseCommand: cat
      stdout: all.txt
      inputs: {files: {type: "File[]", inputBinding: {}}}
      outputs: {all: stdout}
