cwlVersion: v1.0
class: Workflow
id: text_statistics
label: Text statistics
doc: Counts the words of several texts, each text by itself, and merges the counts into one report.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs:
- id: texts
  type: File[]
  label: Texts
  doc: Plain texts.
  default:
  - class: File
    location: ../data/alice_in_wonderland.txt
  - class: File
    location: ../data/moby_dick.txt
  - class: File
    location: ../data/pride_and_prejudice.txt
  sbg:x: 0
  sbg:y: 200
- id: shortest
  type: int
  label: Shortest word
  doc: Words with fewer letters are left out.
  default: 5
  sbg:x: 0
  sbg:y: 0
- id: top
  type: int
  label: Words to keep
  doc: How many words the report lists.
  default: 10
  sbg:x: 250
  sbg:y: 0
outputs:
- id: report
  type: File
  label: Report
  doc: The most frequent words of all texts.
  outputSource:
  - merge_counts/report
  sbg:x: 750
  sbg:y: 0
- id: counts
  type: File[]
  label: Counts
  doc: The words of each text.
  outputSource:
  - count_words/counts
  sbg:x: 750
  sbg:y: 150
- id: total_words
  type: int
  label: Words
  doc: The number of words in all texts.
  outputSource:
  - compare_texts/total
  sbg:x: 750
  sbg:y: 300
- id: longest
  type: string
  label: Longest text
  doc: The name of the text with the most words.
  outputSource:
  - compare_texts/longest
  sbg:x: 750
  sbg:y: 450
steps:
- id: count_words
  label: Count words
  run: ../tools/count_words.cwl
  in:
  - id: text
    source: texts
  - id: shortest
    source: shortest
  out:
  - id: counts
  scatter:
  - text
  sbg:x: 250
  sbg:y: 150
- id: measure_text
  label: Measure text
  run: ../tools/measure_text.cwl
  in:
  - id: text
    source: texts
  out:
  - id: lines
  - id: words
  scatter:
  - text
  sbg:x: 250
  sbg:y: 350
- id: merge_counts
  label: Merge counts
  run: ../tools/merge_counts.cwl
  in:
  - id: counts
    source: count_words/counts
  - id: top
    source: top
  out:
  - id: report
  sbg:x: 500
  sbg:y: 50
- id: compare_texts
  label: Compare texts
  run: ../tools/compare_texts.cwl
  in:
  - id: texts
    source: texts
  - id: words
    source: measure_text/words
  out:
  - id: total
  - id: longest
  sbg:x: 500
  sbg:y: 350
requirements:
- class: ScatterFeatureRequirement
