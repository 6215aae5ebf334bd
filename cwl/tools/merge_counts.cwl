cwlVersion: v1.0
class: CommandLineTool
id: merge_counts
label: Merge counts
doc: Adds up the word counts of several texts, and keeps the most frequent words.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- awk
arguments:
- position: 1
  valueFrom: '{ sum[$2] += $1 } END { for (word in sum) print sum[word], word }'
- position: 3
  shellQuote: false
  valueFrom: '| sort -k1,1nr -k2,2 | head -n'
inputs:
- id: counts
  type: File[]
  label: Counts
  doc: A number and a word a line.
  inputBinding:
    position: 2
- id: top
  type: int
  label: Words to keep
  doc: How many words to keep.
  default: 10
  inputBinding:
    position: 4
outputs:
- id: report
  type: File
  label: Report
  doc: The most frequent words of all texts.
  outputBinding:
    glob: report.txt
requirements:
- class: ShellCommandRequirement
- class: EnvVarRequirement
  envDef:
  - envName: LC_ALL
    envValue: C
stdout: report.txt
