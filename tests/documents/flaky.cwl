cwlVersion: v1.2
class: Workflow
doc: A step that fails as long as a file is not there.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
inputs:
  flag: string
  code: {type: int, default: 4}
outputs:
  made: {type: File, outputSource: after/seen}
steps:
  flaky:
    hints:
    - class: mlcraft:Task
      retries: 2
      retryDelay: 0
    in: {flag: flag, code: code}
    out: [made]
    run:
      class: CommandLineTool
      temporaryFailCodes: [4]
      baseCommand: [sh, -c, 'if [ -e "$0" ]; then echo made > made.txt; else touch "$0"; echo "it is not there" >&2; exit $1; fi']
      inputs:
        flag: {type: string, inputBinding: {position: 0}}
        code: {type: int, inputBinding: {position: 1}}
      outputs: {made: {type: File, outputBinding: {glob: made.txt}}}
  after:
    in: {made: flaky/made}
    out: [seen]
    run:
      class: CommandLineTool
      baseCommand: cat
      stdout: seen.txt
      inputs: {made: {type: File, inputBinding: {}}}
      outputs: {seen: stdout}
