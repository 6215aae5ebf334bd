cwlVersion: v1.0
class: ExpressionTool
id: compare_texts
label: Compare texts
doc: Finds the longest of several texts, and adds up their words.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs:
- id: texts
  type: File[]
  label: Texts
  doc: The texts.
- id: words
  type: int[]
  label: Words
  doc: The number of words of each text.
outputs:
- id: total
  type: int
  label: Words in all
  doc: The number of words in all texts.
- id: longest
  type: string
  label: Longest text
  doc: The name of the text with the most words.
requirements:
- class: InlineJavascriptRequirement
expression: |
  ${
    var total = inputs.words.reduce(function (sum, words) { return sum + words; }, 0);
    var most = inputs.words.indexOf(Math.max.apply(null, inputs.words));
    return {
      total: total,
      longest: inputs.texts.length ? inputs.texts[most].nameroot.replace(/_/g, " ") : ""
    };
  }
