cwlVersion: v1.2
requirements:
  SubworkflowFeatureRequirement: {}
  ScatterFeatureRequirement: {}
class: Workflow
inputs: {word: {type: {type: array, items: {type: array, items: {type: array, items: {type: array, items: string}}}}}}
outputs: {said: {type: {type: array, items: {type: array, items: {type: array, items: {type: array, items: File}}}}, outputSource: level_1/said}}
steps:
  level_1:
    in: {word: word}
    out: [said]
    scatter: word
    run:
      class: Workflow
      inputs: {word: {type: {type: array, items: {type: array, items: {type: array, items: string}}}}}
      outputs: {said: {type: {type: array, items: {type: array, items: {type: array, items: File}}}, outputSource: level_2/said}}
      steps:
        level_2:
          in: {word: word}
          out: [said]
          scatter: word
          run:
            class: Workflow
            inputs: {word: {type: {type: array, items: {type: array, items: string}}}}
            outputs: {said: {type: {type: array, items: {type: array, items: File}}, outputSource: level_3/said}}
            steps:
              level_3:
                in: {word: word}
                out: [said]
                scatter: word
                run:
                  class: Workflow
                  inputs: {word: {type: {type: array, items: string}}}
                  outputs: {said: {type: {type: array, items: File}, outputSource: level_4/said}}
                  steps:
                    level_4:
                      in: {word: word}
                      out: [said]
                      scatter: word
                      run:
                        class: CommandLineTool
                        baseCommand: echo
                        inputs: {word: {type: string, inputBinding: {}}}
                        outputs: {said: stdout}
