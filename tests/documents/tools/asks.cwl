cwlVersion: v1.2
class: CommandLineTool
doc: Asks a question, and goes on when there is an answer in a pipe.
requirements:
  InlineJavascriptRequirement: {}
baseCommand: [sh, -c, 'echo "a question?"; printf unfinished >&2; read answer < "$0"; echo "heard $answer"']
inputs:
  pipe:
    type: string
    inputBinding: {}
outputs:
  nothing:
    type: "null"
    outputBinding: {outputEval: $(null)}
