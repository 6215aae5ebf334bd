# Iris, for a start
cwlVersion: v1.2
class: Workflow
id: iris
label: Iris
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs:
- id: models
  type: string[]
  sbg:x: 416
  sbg:y: 448
  default:
  - logistic_regression
  - k_neighbors
outputs:
- id: model
  type: Directory[]
  label: Model
  doc: The fitted model, with its preparation of the data.
  outputSource:
  - train/model
  sbg:x: 1008
  sbg:y: 527
steps:
- id: retrieve
  label: Retrieve data
  run: ../tools/retrieve.cwl
  in:
  - id: source
    default: sklearn:iris
  out:
  - id: data
  - id: profile
  - id: record
  sbg:x: 108
  sbg:y: -78
- id: process
  label: Process data
  run: ../tools/process.cwl
  in:
  - id: data
    source: retrieve/data
  - id: target
    default: target
  out:
  - id: train
  - id: test
  - id: recipe
  - id: profile
  - id: record
  sbg:x: 416
  sbg:y: 182
- id: train
  label: Learn it
  run: ../tools/train.cwl
  in:
  - id: train
    source: process/train
  - id: recipe
    source: process/recipe
  - id: estimator
    source: models
  out:
  - id: model
  - id: metrics
  - id: record
  sbg:x: 796
  sbg:y: 497
  scatter:
  - estimator
requirements:
- class: ScatterFeatureRequirement
