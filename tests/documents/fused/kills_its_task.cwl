cwlVersion: v1.2
class: Workflow
doc: |
  The tool of item 5 kills the task's process on its first run, once at least three other items have ended and all that have
  ended are in the task's journal. Each item notes that it began and that it ended.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements: {ScatterFeatureRequirement: {}, ShellCommandRequirement: {}}
inputs:
  numbers: {type: "int[]", default: [0, 1, 2, 3, 4, 5, 6, 7]}
  folder: string
  journals: string
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
            journaled=0
            ended=1
            until [ "$ended" -ge 3 ] && [ "$journaled" = "$ended" ]; do
              sleep 0.1
              journaled=$(cat "$2"/*/*.jsonl 2>/dev/null | wc -l)
              cat "$1/ended" > "$1/ended_before" 2>/dev/null
              ended=$(cat "$1/ended_before" | wc -l)
            done
            kill -9 "$(cut -d ' ' -f 4 "/proc/$PPID/stat")"
            sleep 60
          fi
          echo "$0"
          echo "$0" >> "$1/ended"
      inputs:
        number: {type: int, inputBinding: {position: 1}}
        folder: {type: string, inputBinding: {position: 2}}
        journals: {type: string, inputBinding: {position: 3}}
      outputs: {line: stdout}
      stdout: line.txt
    scatter: number
    in: {number: numbers, folder: folder, journals: journals}
    out: [line]
