cwlVersion: v1.2
class: Workflow
doc: A tool that kills the process that runs it, once, and goes on, with a child that is in a session of its own.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
inputs:
  flag: string
outputs:
  states: {type: File, outputSource: goes_on/states}
steps:
  goes_on:
    hints:
    - class: mlcraft:Task
      retries: 1
      retryDelay: 0
    in: {flag: flag}
    out: [states]
    run:
      class: CommandLineTool
      baseCommand:
      - sh
      - -c
      - |
        if [ -e "$0" ]
        then
          for pid in $(cat "$0")
          do
            grep -qs "State:.[^Z]" /proc/$pid/status && echo runs || echo gone
          done
          exit
        fi
        setsid sleep 1000 &
        echo $$ $! > "$0.part"
        mv "$0.part" "$0"
        kill -9 $PPID
        sleep 1000
      stdout: states.txt
      inputs: {flag: {type: string, inputBinding: {}}}
      outputs: {states: stdout}
