cwlVersion: v1.0
class: CommandLineTool
id: count_words
label: Count words
doc: How often each word occurs in a text, most frequent words first.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- tr
arguments:
- position: 1
  valueFrom: -cs
- position: 2
  valueFrom: '[:alpha:]'
- position: 3
  valueFrom: '[\n*]'
- position: 4
  shellQuote: false
  valueFrom: '| tr "[:upper:]" "[:lower:]" | grep -E'
- position: 5
  valueFrom: ^.{$(inputs.shortest),}
- position: 6
  shellQuote: false
  valueFrom: '| sort | uniq -c | sort -k1,1nr -k2,2'
inputs:
- id: text
  type: File
  label: Text
  doc: A plain text.
- id: shortest
  type: int
  label: Shortest word
  doc: Words with fewer letters are left out.
  default: 4
outputs:
- id: counts
  type: File
  label: Counts
  doc: A number and a word a line.
  outputBinding:
    glob: $(inputs.text.nameroot).words.txt
requirements:
- class: ShellCommandRequirement
- class: EnvVarRequirement
  envDef:
  - envName: LC_ALL
    envValue: C
stdin: $(inputs.text.path)
stdout: $(inputs.text.nameroot).words.txt
