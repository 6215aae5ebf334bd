cwlVersion: v1.2
class: Workflow
doc: A tool that kills the process that runs it, once, when half of its output is there.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
inputs:
  flag: string
outputs:
  made: {type: "File[]", outputSource: count/made}
  sum: {type: File, outputSource: sum/sum}
steps:
  count:
    hints:
    - class: mlcraft:Task
      retries: 1
      retryDelay: 0
    in: {flag: flag}
    out: [made]
    run:
      class: CommandLineTool
      baseCommand:
      - sh
      - -c
      - |
        seq 100000 > first.txt
        if [ ! -e "$0" ]; then touch "$0"; kill -9 $PPID; exit; fi
        seq 3 > second.txt
      inputs: {flag: {type: string, inputBinding: {}}}
      outputs: {made: {type: "File[]", outputBinding: {glob: "*.txt"}}}
  sum:
    in: {made: count/made}
    out: [sum]
    run:
      class: CommandLineTool
      baseCommand: [wc, -l]
      stdout: sum.txt
      inputs: {made: {type: "File[]", inputBinding: {}}}
      outputs: {sum: stdout}
