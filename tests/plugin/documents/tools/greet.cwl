cwlVersion: v1.2
class: CommandLineTool
label: Greet
doc: Greets one person.
baseCommand: [sh, -c]
arguments:
- 'test "$0" != Nobody && echo "$1 $0"'
inputs:
  person:
    type: string
    inputBinding: {position: 1}
  greeting:
    type: string
    default: Hello
    inputBinding: {position: 2}
stdout: greeting.txt
outputs:
  text:
    type: stdout
