# Greets several people, and counts the greetings where somebody wants to know.
cwlVersion: v1.2
class: Workflow
label: Greetings
doc: Greets several people.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#", sbg: "https://www.sevenbridges.com/"}
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  people:
    type: string[]
    sbg:x: 0
    sbg:y: 100
  count:
    type: boolean
    default: false
steps:
  greet:
    run: tools/greet.cwl
    scatter: person
    in: {person: people}
    out: [text]
    sbg:x: 200
    sbg:y: 50
  counting:
    run: counting.cwl
    when: $(inputs.count)
    in: {texts: greet/text, count: count}
    out: [lines]
outputs:
  greetings:
    type: File[]
    outputSource: greet/text
  lines:
    type: File?
    outputSource: counting/lines
