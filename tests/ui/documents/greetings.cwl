cwlVersion: v1.2
class: Workflow
label: Greetings
doc: |
  Greets some people, each by itself.

  One of them waits for a letter.
requirements:
  ScatterFeatureRequirement: {}
inputs:
  people:
    type: string[]
    label: People
    doc: Who is greeted.
    default: [Ada, Bob]
  letter:
    type: string
    label: Letter
    doc: The path of the letter that Bob waits for.
  manner:
    type:
      type: enum
      symbols: [kindly, loudly]
    label: Manner
    doc: How people are greeted.
    default: kindly
outputs:
  greetings:
    type: File[]
    outputSource: greet/greeting
steps:
  greet:
    scatter: person
    in: {person: people, letter: letter, manner: manner}
    out: [greeting]
    run:
      class: CommandLineTool
      label: Greet
      doc: Writes a greeting.
      baseCommand: [sh, -c]
      arguments:
        - |
          echo "$0 is greeted $2"
          if [ "$0" = Bob ]; then cat "$1" >&2 || exit 1; fi
          echo "Hello $0, $2" > greeting.txt
      inputs:
        person: {type: string, inputBinding: {position: 1}}
        letter: {type: string, inputBinding: {position: 2}}
        manner: {type: {type: enum, symbols: [kindly, loudly]}, inputBinding: {position: 3}}
      outputs:
        greeting: {type: File, outputBinding: {glob: greeting.txt}}
