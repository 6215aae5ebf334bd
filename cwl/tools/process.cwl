cwlVersion: v1.0
class: CommandLineTool
id: process
label: Process data
doc: Cleans a data set, splits it, and says how its columns are to be prepared.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- mlcraft-step
- process
inputs:
- id: data
  type: File
  label: Data
  doc: A table.
  inputBinding:
    prefix: --data
- id: target
  type: string
  label: Target
  doc: The column that is to be predicted.
  inputBinding:
    prefix: --target
- id: prediction
  type: string?
  label: Prediction
  doc: classification or regression; what the target suggests when left out.
  inputBinding:
    prefix: --prediction
- id: code
  type: File?
  label: Code
  doc: A Python file with a function process(frame, **params).
  inputBinding:
    prefix: --code
- id: params
  type: string?
  label: Parameters
  doc: What process gets besides the frame, as a JSON object.
  inputBinding:
    prefix: --params
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
- id: impute
  type: string?
  label: Fill gaps
  doc: 'How missing numbers are filled: median, mean, most_frequent or zero; or a JSON object with a way for each column.'
  inputBinding:
    prefix: --impute
- id: scale
  type: string?
  label: Scale
  doc: 'How numbers are scaled: standard, minmax, robust or none.'
  inputBinding:
    prefix: --scale
- id: drop
  type: string[]?
  label: Leave out
  doc: Columns that are not to be learned from.
  inputBinding:
    prefix: --drop
- id: positive
  type: string?
  label: Positive class
  doc: The one of two classes that is to be found; the second one when left out.
  inputBinding:
    prefix: --positive
- id: max_categories
  type: int?
  label: Categories
  doc: Columns that the categories of one column become at most; chosen by the data when left out.
  inputBinding:
    prefix: --max-categories
- id: types
  type: string?
  label: Kinds
  doc: 'Kinds of columns as a JSON object: number, category, boolean, date or text; by their values when left out.'
  inputBinding:
    prefix: --types
- id: dates
  type: string?
  label: Dates
  doc: How dates are written, by column, as a JSON object; by their values when left out.
  inputBinding:
    prefix: --dates
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
- id: recipe
  type: File
  label: Recipe
  doc: What is done with each column, decided from the training part alone.
  outputBinding:
    glob: recipe.json
- id: profile
  type: File
  label: Profile
  doc: Rows, columns, types, ranges.
  outputBinding:
    glob: profile.json
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Process
temporaryFailCodes:
- 75
