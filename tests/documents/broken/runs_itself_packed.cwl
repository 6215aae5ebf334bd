cwlVersion: v1.2
$graph:
- class: Workflow
  id: main
  requirements: {SubworkflowFeatureRequirement: {}}
  inputs: []
  outputs: []
  steps:
  - id: there
    in: []
    out: []
    run: "#back"
- class: Workflow
  id: back
  requirements: {SubworkflowFeatureRequirement: {}}
  inputs: []
  outputs: []
  steps:
  - id: again
    in: []
    out: []
    run: "#main"
