cwlVersion: v1.2
class: Workflow
id: learning
doc: The shipped steps from data to a champion, small.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements:
  ScatterFeatureRequirement: {}
inputs:
  source: {type: string, default: "sklearn:iris"}
  target: {type: string, default: target}
  models: {type: "string[]", default: [naive_bayes, decision_tree]}
  params: string?
  code: File?
  replace_champion: boolean?
outputs:
  champion: {type: Directory, outputSource: evaluate/champion}
  scores: {type: File, outputSource: evaluate/scores}
steps:
  retrieve:
    run: ../../cwl/tools/retrieve.cwl
    in: {source: source}
    out: [data, profile, record]
  process:
    run: ../../cwl/tools/process.cwl
    in: {data: retrieve/data, target: target}
    out: [train, test, recipe, record]
  train:
    run: ../../cwl/tools/train.cwl
    hints:
    - class: mlcraft:Task
      retries: 1
      retryDelay: 0
    scatter: estimator
    in: {train: process/train, recipe: process/recipe, estimator: models, params: params, code: code, folds: {default: 2}}
    out: [model, metrics, record]
  evaluate:
    run: ../../cwl/tools/evaluate.cwl
    in: {models: train/model, test: process/test, train: process/train, replace_champion: replace_champion}
    out: [champion, scores, report_html, report_md, plots, record]
