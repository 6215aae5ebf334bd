cwlVersion: v1.2
class: Workflow
label: Longest words
doc: The most frequent long words of one text.
inputs:
  text: File
outputs:
  words:
    type: File
    outputSource: count/words
steps:
  count:
    run: ../tools/count_words.cwl
    in:
      text: text
      shortest: {default: 12}
    out: [counts]
