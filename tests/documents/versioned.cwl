cwlVersion: v1.0
class: Workflow
id: versioned
doc: Files, a folder and the items of a scatter as data with paths of their own.
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
requirements:
  - class: ScatterFeatureRequirement
  - class: SubworkflowFeatureRequirement
hints:
  - class: mlcraft:Data
    outputs:
      - {output: table, to: data/table.csv}
    inputs:
      - {input: given, to: data/given.txt}
inputs:
  - {id: text, type: string, default: hello}
  - {id: words, type: "string[]", default: [one, two]}
  - {id: given, type: "File?"}
outputs:
  - {id: table, type: File, outputSource: write/written}
steps:
  - id: write
    run: &write
      class: CommandLineTool
      baseCommand: [printf, "%s\n"]
      inputs:
        - {id: text, type: string, inputBinding: {position: 1}}
      outputs:
        - {id: written, type: stdout}
      stdout: word.txt
    in:
      - {id: text, source: text}
    out: [written]
  - id: pack
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'mkdir -p packed/deep && cp "$0" packed/a.txt && echo deep > packed/deep/b.txt']
      inputs:
        - {id: file, type: File, inputBinding: {position: 1}}
      outputs:
        - {id: packed, type: Directory, outputBinding: {glob: packed}}
    in:
      - {id: file, source: write/written}
    out: [packed]
    hints:
      - class: mlcraft:Data
        outputs:
          - {output: packed, to: data/packed}
  - id: each
    run: *write
    scatter: [text]
    in:
      - {id: text, source: words}
    out: [written]
    hints:
      - class: mlcraft:Data
        outputs:
          - {output: written, to: words}
