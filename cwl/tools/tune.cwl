cwlVersion: v1.0
class: CommandLineTool
id: tune
label: Tune a model
doc: Searches for the parameters with which a model does best, and fits it with them.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- mlcraft-step
- tune
inputs:
- id: train
  type: File
  label: Training part
  doc: The rows to learn from.
  inputBinding:
    prefix: --train
- id: recipe
  type: File
  label: Recipe
  doc: How the columns are prepared, from the process step.
  inputBinding:
    prefix: --recipe
- id: estimator
  type:
  - type: enum
    name: estimator
    symbols:
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
    - linear_regression
    - ridge
    - lasso
    - elastic_net
  - string
  label: Estimator
  doc: Its name, such as random_forest.
  inputBinding:
    prefix: --model
- id: trials
  type: int
  label: Trials
  doc: How many sets of parameters are tried.
  default: 20
  inputBinding:
    prefix: --trials
- id: timeout
  type: double?
  label: Time
  doc: Seconds after which no new trial begins.
  inputBinding:
    prefix: --timeout
- id: space
  type: string?
  label: Space
  doc: Where to search, as a JSON object; the estimator's own space when left out.
  inputBinding:
    prefix: --space
- id: pruner
  type: string
  label: Pruner
  doc: median ends trials that do badly; none lets them all run.
  default: median
  inputBinding:
    prefix: --pruner
- id: seed
  type: int
  label: Seed
  doc: Where random numbers start; the same seed gives the same result.
  default: 0
  inputBinding:
    prefix: --seed
- id: folds
  type: int
  label: Folds
  doc: Of cross-validation.
  default: 5
  inputBinding:
    prefix: --folds
- id: metric
  type:
  - type: enum
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
    - rmse
    - mae
    - mse
    - r2
    - mape
  - string
  - 'null'
  label: Metric
  doc: What is made best.
  inputBinding:
    prefix: --metric
- id: class_weight
  type: string?
  label: Class weights
  doc: 'For estimators that know them: balanced, or a JSON object with a weight for each label.'
  inputBinding:
    prefix: --class-weight
- id: threshold
  type: string?
  label: Threshold
  doc: The probability from which the positive class is named; auto chooses it on the folds.
  inputBinding:
    prefix: --threshold
- id: code
  type: File?
  label: Code
  doc: A Python file with estimators of your own.
  inputBinding:
    prefix: --code
- id: tolerate
  type: boolean
  label: Tolerate
  doc: Whether a model that cannot be made leaves its reason behind in place of a failed step, for comparisons.
  default: false
  inputBinding:
    prefix: --tolerate
outputs:
- id: model
  type: Directory
  label: Model
  doc: The fitted model, with its preparation of the data.
  outputBinding:
    glob: model
- id: metrics
  type: File
  label: Metrics
  doc: What cross-validation measured.
  outputBinding:
    glob: metrics.json
- id: params
  type: File
  label: Parameters
  doc: The best that were found.
  outputBinding:
    glob: params.json
- id: history
  type: File
  label: History
  doc: All that were tried.
  outputBinding:
    glob: trials.json
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
arguments:
- prefix: --cores
  valueFrom: $(runtime.cores)
hints:
- class: mlcraft:Tune
temporaryFailCodes:
- 75
