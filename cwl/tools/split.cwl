cwlVersion: v1.0
class: CommandLineTool
id: split
label: Split data
doc: Cuts a data set into a part to learn from and a part to test with.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- mlcraft-step
- split
inputs:
- id: data
  type: File
  label: Data
  doc: A table.
  inputBinding:
    prefix: --data
- id: target
  type: string?
  label: Target
  doc: The column that is to be predicted.
  inputBinding:
    prefix: --target
- id: test_size
  type: double
  label: Test part
  doc: The share of the rows that is kept for the test, about; or a number of rows.
  default: 0.2
  inputBinding:
    prefix: --test-size
- id: seed
  type: int
  label: Seed
  doc: Where random numbers start; the same seed gives the same result.
  default: 0
  inputBinding:
    prefix: --seed
- id: id
  type: string?
  label: Id
  doc: The column that tells rows apart; a row with the same id stays on its side. All columns tell it when left out.
  inputBinding:
    prefix: --id
- id: stratify
  type: boolean?
  label: Stratify
  doc: Whether the test part has rows of each class.
  inputBinding:
    prefix: --stratify
- id: group
  type: string?
  label: Group
  doc: A column whose equal values stay in one part.
  inputBinding:
    prefix: --group
- id: time
  type: string?
  label: Time
  doc: A column by which the latest rows become the test part; rows of one time stay together.
  inputBinding:
    prefix: --time
outputs:
- id: train
  type: File
  label: Training part
  doc: The rows to learn from.
  outputBinding:
    glob: train.parquet
- id: test
  type: File
  label: Test part
  doc: The rows to test with.
  outputBinding:
    glob: test.parquet
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Split
temporaryFailCodes:
- 75
