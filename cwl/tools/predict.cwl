cwlVersion: v1.0
class: CommandLineTool
id: predict
label: Predict
doc: What a model says to each row of a table.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- mlcraft-step
- predict
inputs:
- id: model
  type: Directory?
  label: Model
  doc: A fitted model; under Airflow, the champion of the registry when left out.
  inputBinding:
    prefix: --model
- id: data
  type: File
  label: Data
  doc: The rows to predict.
  inputBinding:
    prefix: --data
outputs:
- id: predictions
  type: File
  label: Predictions
  doc: The rows with what the model says.
  outputBinding:
    glob: predictions.csv
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Predict
temporaryFailCodes:
- 75
