cwlVersion: v1.2
class: Workflow
doc: Scatters inside scatters, three deep, with conditions on the way.
requirements: &all
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  rows:
    type: Any
    default: [[[a, b], [c]], [], [[d], [], [e, f, g]]]
outputs:
  deep: {type: Any, outputSource: outer/deep}
  flat_words: {type: Any, outputSource: outer/count}
steps:
  outer:
    scatter: row
    in: {row: rows}
    out: [deep, count]
    run:
      class: Workflow
      inputs: {row: Any}
      outputs:
        deep: {type: Any, outputSource: middle/said}
        count: {type: Any, outputSource: counted/count}
      steps:
        middle:
          scatter: cells
          in: {cells: row}
          when: $(inputs.cells.length != 1)
          out: [said]
          run:
            class: Workflow
            inputs: {cells: Any}
            outputs:
              said: {type: Any, outputSource: inner/said}
            steps:
              inner:
                scatter: cell
                when: $(inputs.cell != "f")
                in: {cell: cells}
                out: [said]
                run:
                  class: ExpressionTool
                  inputs: {cell: string}
                  outputs: {said: string}
                  expression: "${ return {said: inputs.cell + '!'}; }"
        counted:
          in: {said: middle/said}
          out: [count]
          run:
            class: ExpressionTool
            inputs: {said: Any}
            outputs: {count: int}
            expression: "${ return {count: inputs.said.length}; }"
