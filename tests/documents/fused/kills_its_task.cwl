cwlVersion: v1.2
class: Workflow
doc: |
  The tool of item 5 kills the task's process on its first run, once other items have ended for a second. Each item notes
  that it began and that it ended.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {ScatterFeatureRequirement: {}, ShellCommandRequirement: {}}
inputs:
  numbers: {type: "int[]", default: [0, 1, 2, 3, 4, 5, 6, 7]}
  folder: string
outputs: {lines: {type: "File[]", outputSource: each/line}}
hints: {mlcraft:Fuse: {}}
steps:
  each:
    run:
      class: CommandLineTool
      baseCommand:
        - sh
        - -c
        - |
          echo "$0" >> "$1/ran"
          if [ "$0" = 5 ] && ! [ -e "$1/killed" ]; then
            touch "$1/killed"
            while [ "$(cat "$1/ended" | wc -l)" -lt 3 ]; do sleep 0.1; done
            cp "$1/ended" "$1/ended_before"
            sleep 1
            kill -9 "$(cut -d ' ' -f 4 "/proc/$PPID/stat")"
            sleep 60
          fi
          echo "$0"
          echo "$0" >> "$1/ended"
      inputs:
        number: {type: int, inputBinding: {position: 1}}
        folder: {type: string, inputBinding: {position: 2}}
      outputs: {line: stdout}
      stdout: line.txt
    scatter: number
    in: {number: numbers, folder: folder}
    out: [line]
