cwlVersion: v1.0
class: Workflow
id: batch_prediction
label: Batch prediction
doc: 'Lets a model predict a whole table: the champion of the classification workflow, or the model that is given.'
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs:
- id: source
  type: string
  label: Source
  doc: 'Where the rows come from: an address, a path, or sklearn:NAME.'
  default: sklearn:breast_cancer
  sbg:x: 0
  sbg:y: 0
- id: model
  type: Directory?
  label: Model
  doc: A fitted model; the champion when left out.
  sbg:x: 0
  sbg:y: 130
outputs:
- id: predictions
  type: File
  label: Predictions
  doc: The rows with what the model says.
  outputSource:
  - predict/predictions
  sbg:x: 900
  sbg:y: 65
steps:
- id: retrieve
  label: Retrieve
  run: ../tools/retrieve.cwl
  in:
  - id: source
    source:
    - source
  out:
  - id: data
  - id: profile
  - id: record
  sbg:x: 300
  sbg:y: 0
- id: predict
  label: Predict
  run: ../tools/predict.cwl
  in:
  - id: model
    source:
    - model
  - id: data
    source:
    - retrieve/data
  out:
  - id: predictions
  - id: record
  hints:
  - class: mlcraft:Predict
    registry: classification
  sbg:x: 600
  sbg:y: 65
requirements: []
