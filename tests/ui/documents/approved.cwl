cwlVersion: v1.2
class: Workflow
label: Approved
doc: Trains two models of irises; a person decides whether the better one may be the champion.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements:
  ScatterFeatureRequirement: {}
inputs:
  models: {type: "string[]", label: Models, default: [naive_bayes, k_neighbors]}
outputs:
  champion: {type: Directory, outputSource: approve/model}
  report: {type: File, outputSource: evaluate/report_html}
steps:
  retrieve:
    run: ../tools/retrieve.cwl
    in: {source: {default: "sklearn:iris"}}
    out: [data]
  process:
    run: ../tools/process.cwl
    in: {data: retrieve/data, target: {default: target}}
    out: [train, test, recipe]
  train:
    run: ../tools/train.cwl
    scatter: estimator
    in: {train: process/train, recipe: process/recipe, estimator: models, folds: {default: 2}}
    out: [model, metrics]
  evaluate:
    run: ../tools/evaluate.cwl
    hints: {mlcraft:Evaluate: {crown: false}}
    in: {models: train/model, test: process/test, train: process/train}
    out: [champion, report_html, report_md]
  approve:
    run: ../tools/approve.cwl
    in: {candidate: evaluate/champion, report: evaluate/report_md}
    out: [model]
