cwlVersion: v1.0
class: Workflow
id: retraining
label: Retraining
doc: Trains again when a table has a new version in the project's repository; the champion changes only when a new model
  is better.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs:
- id: tables
  type: File[]
  label: Tables
  doc: The table, in one file or several.
  default:
  - class: File
    location: ../data/wine.csv
  sbg:x: 0
  sbg:y: 0
- id: target
  type: string
  label: Target
  doc: The column that is to be predicted.
  default: target
  sbg:x: 0
  sbg:y: 100
- id: test_size
  type: double
  label: Test part
  doc: The share of the rows that is kept for the test.
  default: 0.25
  sbg:x: 0
  sbg:y: 200
- id: seed
  type: int
  label: Seed
  doc: Where random numbers start; the same seed gives the same result.
  default: 42
  sbg:x: 0
  sbg:y: 300
- id: models
  type: string[]
  label: Models
  doc: The estimators to compare; each is trained in a task of its own.
  default:
  - logistic_regression
  - random_forest
  - extra_trees
  mlcraft:choices:
  - logistic_regression
  - linear_discriminant
  - naive_bayes
  - k_neighbors
  - svm
  - decision_tree
  - random_forest
  - extra_trees
  - gradient_boosting
  - hist_gradient_boosting
  - lightgbm
  - xgboost
  - catboost
  - neural_network
  - baseline
  sbg:x: 0
  sbg:y: 400
- id: folds
  type: int
  label: Folds
  doc: Of cross-validation.
  default: 5
  sbg:x: 0
  sbg:y: 500
- id: metric
  type:
    type: enum
    name: metric
    symbols:
    - acc
    - balanced_acc
    - precision
    - recall
    - f1
    - roc_auc
    - pr_auc
    - log_loss
    - accuracy
    - balanced_accuracy
    - auc
    - average_precision
  label: Metric
  doc: What makes a model the best.
  default: f1
  sbg:x: 0
  sbg:y: 600
- id: name
  type: string
  label: Deployment
  doc: What the served model is called.
  default: retraining
  sbg:x: 0
  sbg:y: 700
- id: minimum
  type: double
  label: Gate
  doc: A champion's metric must be at least this.
  default: 0.8
  sbg:x: 0
  sbg:y: 800
- id: stratify
  type: boolean
  label: Stratify
  doc: Whether both parts get the same share of each class.
  default: false
  sbg:x: 0
  sbg:y: 900
- id: group
  type: string?
  label: Group
  doc: A column whose equal values stay in one part, such as the id of a person.
  sbg:x: 0
  sbg:y: 1000
- id: time
  type: string?
  label: Time
  doc: A column by which the latest rows become the test part.
  sbg:x: 0
  sbg:y: 1100
- id: drop
  type: string[]?
  label: Leave out
  doc: Columns that are not to be learned from.
  sbg:x: 0
  sbg:y: 1200
- id: impute
  type: string?
  label: Fill gaps
  doc: 'How missing numbers are filled: median, mean, most_frequent or zero.'
  sbg:x: 0
  sbg:y: 1300
- id: positive
  type: string?
  label: Positive class
  doc: The one of two classes that is to be found.
  sbg:x: 0
  sbg:y: 1400
- id: row_id
  type: string?
  label: Id
  doc: The column that tells rows apart; a row with the same id stays on its side.
  sbg:x: 0
  sbg:y: 1500
- id: class_weight
  type: string?
  label: Class weights
  doc: 'For estimators that know them: balanced, or a JSON object with a weight for each label.'
  sbg:x: 0
  sbg:y: 1600
- id: threshold
  type: string?
  label: Threshold
  doc: The probability from which the positive class is named; auto chooses it on the folds.
  sbg:x: 0
  sbg:y: 1700
- id: replace_champion
  type: boolean
  label: Replace the champion
  doc: Whether a champion of today that cannot be compared, because it is one of other data, is replaced.
  default: false
  sbg:x: 0
  sbg:y: 1800
- id: max_categories
  type: int?
  label: Categories
  doc: Columns that the categories of one column become at most; chosen by the data when left out.
  sbg:x: 0
  sbg:y: 1900
- id: types
  type: string?
  label: Kinds
  doc: 'Kinds of columns as a JSON object: number, category, boolean, date or text; by their values when left out.'
  sbg:x: 0
  sbg:y: 2000
- id: dates
  type: string?
  label: Dates
  doc: How dates are written, by column, as a JSON object; by their values when left out.
  sbg:x: 0
  sbg:y: 2100
outputs:
- id: champion
  type: Directory
  label: Champion
  doc: The best model.
  outputSource:
  - evaluate/champion
  sbg:x: 1500
  sbg:y: 0
- id: scores
  type: File
  label: Scores
  doc: All metrics of all models, and what was decided.
  outputSource:
  - evaluate/scores
  sbg:x: 1500
  sbg:y: 130
- id: report
  type: File
  label: Report
  doc: Tables and plots, as a web page.
  outputSource:
  - evaluate/report_html
  sbg:x: 1500
  sbg:y: 260
- id: report_md
  type: File
  label: Report in Markdown
  doc: The same as text.
  outputSource:
  - evaluate/report_md
  sbg:x: 1500
  sbg:y: 390
- id: plots
  type: Directory
  label: Plots
  doc: The pictures of the report.
  outputSource:
  - evaluate/plots
  sbg:x: 1500
  sbg:y: 520
- id: deployment
  type: File
  label: Deployment
  doc: Where the model answers.
  outputSource:
  - serve/deployment
  sbg:x: 1500
  sbg:y: 650
steps:
- id: retrieve
  label: Retrieve
  run: ../tools/retrieve.cwl
  in:
  - id: files
    source:
    - tables
  out:
  - id: data
  - id: profile
  - id: record
  sbg:x: 300
  sbg:y: 65
- id: process
  label: Process
  run: ../tools/process.cwl
  in:
  - id: data
    source:
    - retrieve/data
  - id: target
    source:
    - target
  - id: prediction
    default: classification
  - id: test_size
    source:
    - test_size
  - id: seed
    source:
    - seed
  - id: stratify
    source:
    - stratify
  - id: group
    source:
    - group
  - id: time
    source:
    - time
  - id: drop
    source:
    - drop
  - id: impute
    source:
    - impute
  - id: max_categories
    source:
    - max_categories
  - id: types
    source:
    - types
  - id: dates
    source:
    - dates
  - id: positive
    source:
    - positive
  - id: id
    source:
    - row_id
  out:
  - id: train
  - id: test
  - id: recipe
  - id: profile
  - id: record
  sbg:x: 600
  sbg:y: 195
- id: train
  label: Train
  run: ../tools/train.cwl
  in:
  - id: train
    source:
    - process/train
  - id: recipe
    source:
    - process/recipe
  - id: estimator
    source:
    - models
  - id: seed
    source:
    - seed
  - id: folds
    source:
    - folds
  - id: metric
    source:
    - metric
  - id: tolerate
    default: true
  - id: class_weight
    source:
    - class_weight
  - id: threshold
    source:
    - threshold
  out:
  - id: model
  - id: metrics
  - id: record
  scatter:
  - estimator
  sbg:x: 900
  sbg:y: 325
- id: evaluate
  label: Evaluate
  run: ../tools/evaluate.cwl
  in:
  - id: models
    source:
    - train/model
  - id: test
    source:
    - process/test
  - id: train
    source:
    - process/train
  - id: metric
    source:
    - metric
  - id: seed
    source:
    - seed
  - id: minimum
    source:
    - minimum
  - id: replace_champion
    source:
    - replace_champion
  out:
  - id: champion
  - id: scores
  - id: report_html
  - id: report_md
  - id: plots
  - id: record
  sbg:x: 1200
  sbg:y: 325
- id: serve
  label: Serve
  run: ../tools/serve.cwl
  in:
  - id: model
    source:
    - evaluate/champion
  - id: name
    source:
    - name
  out:
  - id: deployment
  - id: record
  sbg:x: 1350
  sbg:y: 650
hints:
- class: mlcraft:Dag
  scheduleOn:
  - dvc://mlcraft/data/wine.csv
requirements:
- class: ScatterFeatureRequirement
