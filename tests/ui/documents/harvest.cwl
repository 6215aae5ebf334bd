cwlVersion: v1.2
class: Workflow
label: Harvest
doc: Gathers the fruit of several orchards, each by itself. Plums are not ripe.
$namespaces:
  mlcraft: https://mlcraft.dev/cwl#
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  InlineJavascriptRequirement: {}
inputs:
  orchards:
    type: string[]
    label: Orchards
    doc: The trees that grow in each of them.
    default: [apple, pear, plum, cherry, quince]
  baskets:
    type: int
    label: Baskets
    default: 12
  frost:
    type: boolean
    label: Frost tonight
    default: false
outputs:
  fruit:
    type: File[]
    outputSource: gather/fruit
  labels:
    type: File
    outputSource: prepare/labels
  covers:
    type: File?
    outputSource: cover/covers
steps:
  prepare:
    label: Prepare baskets
    in: {count: baskets}
    out: [labels]
    run:
      class: Workflow
      inputs:
        count: int
      outputs:
        labels:
          type: File
          outputSource: label/labels
      steps:
        rinse:
          label: Rinse
          in: {count: count}
          out: [clean]
          run:
            class: CommandLineTool
            baseCommand: [sh, -c, 'seq "$0"']
            inputs:
              count: {type: int, inputBinding: {position: 1}}
            outputs:
              clean: {type: stdout}
            stdout: clean.txt
        label:
          label: Label
          in: {baskets: rinse/clean}
          out: [labels]
          run:
            class: CommandLineTool
            baseCommand: [sed, s/^/basket /]
            inputs:
              baskets: {type: File, inputBinding: {position: 1}}
            outputs:
              labels: {type: stdout}
            stdout: labels.txt
  gather:
    label: Gather fruit
    doc: Takes what is ripe from one orchard.
    scatter: orchard
    hints:
      mlcraft:Task: {retries: 1, retryDelay: 1}
    in: {orchard: orchards, labels: prepare/labels}
    out: [fruit]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c]
      arguments:
        - |
          echo "Looking at the trees: $0" >&2
          if [ "$0" = plum ]; then echo "The $0 is not ripe." >&2; exit 75; fi
          head -n 3 "$1" | sed "s/$/ of $0/"
      temporaryFailCodes: [75]
      inputs:
        orchard: {type: string, inputBinding: {position: 1}}
        labels: {type: File, inputBinding: {position: 2}}
      outputs:
        fruit: {type: stdout}
      stdout: $(inputs.orchard).txt
  cover:
    label: Cover the trees
    when: $(inputs.frost)
    in: {frost: frost, orchards: orchards}
    out: [covers]
    run:
      class: CommandLineTool
      baseCommand: [echo, covered]
      inputs:
        orchards: {type: 'string[]', inputBinding: {position: 1}}
      outputs:
        covers: {type: stdout}
      stdout: covers.txt
