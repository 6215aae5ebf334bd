cwlVersion: v1.0
class: CommandLineTool
id: sleep
label: Sleep
doc: Sleeps, in a process that is found by its mark.
baseCommand:
- python3
- -c
- import sys, time; time.sleep(int(sys.argv[1])); sys.exit(int(sys.argv[1]) == 3)
inputs:
- id: seconds
  type: int
  inputBinding:
    position: 1
- id: mark
  type: string
  inputBinding:
    position: 2
outputs: []
