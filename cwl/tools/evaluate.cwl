cwlVersion: v1.0
class: CommandLineTool
id: evaluate
label: Evaluate models
doc: Measures models on the test part, names the best, and compares it with the champion of today.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
baseCommand:
- mlcraft-step
- evaluate
inputs:
- id: models
  type: Directory[]
  label: Models
  doc: The models to compare.
  inputBinding:
    prefix: --models
- id: test
  type: File
  label: Test part
  doc: The rows to test with.
  inputBinding:
    prefix: --test
- id: train
  type: File?
  label: Training part
  doc: The rows that were learned from, for the report.
  inputBinding:
    prefix: --train
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
  doc: What decides; when left out, acc for classes, rmse for numbers, and another where a class is rare.
  inputBinding:
    prefix: --metric
- id: minimum
  type: double?
  label: Gate
  doc: The worst value of the metric that a champion may have.
  inputBinding:
    prefix: --minimum
- id: margin
  type: double
  label: Margin
  doc: By how much a new model must beat the champion of today.
  default: 0.0
  inputBinding:
    prefix: --margin
- id: today
  type: Directory?
  label: Champion of today
  doc: Under Airflow it is taken from the registry when left out.
  inputBinding:
    prefix: --champion
- id: replace_champion
  type: boolean?
  label: Replace the champion
  doc: Whether a champion of today that cannot be compared, because it is one of other data, is replaced.
  inputBinding:
    prefix: --replace-champion
- id: seed
  type: int
  label: Seed
  doc: Where random numbers start; the same seed gives the same result.
  default: 0
  inputBinding:
    prefix: --seed
outputs:
- id: champion
  type: Directory
  label: Champion
  doc: 'The best model: a new one, or the champion of today when it stays.'
  outputBinding:
    glob: champion
- id: scores
  type: File
  label: Scores
  doc: All metrics of all models, and what was decided.
  outputBinding:
    glob: scores.json
- id: report_html
  type: File
  label: Report
  doc: Tables and plots, as a web page.
  outputBinding:
    glob: report.html
- id: report_md
  type: File
  label: Report in Markdown
  doc: The same as text.
  outputBinding:
    glob: report.md
- id: plots
  type: Directory
  label: Plots
  doc: The pictures of the report.
  outputBinding:
    glob: plots
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Evaluate
temporaryFailCodes:
- 75
