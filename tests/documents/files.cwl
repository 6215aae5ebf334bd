cwlVersion: v1.2
class: Workflow
doc: Files of every kind on their way through steps.
requirements:
  InlineJavascriptRequirement: {}
  StepInputExpressionRequirement: {}
  MultipleInputFeatureRequirement: {}
inputs:
  text:
    type: File
    secondaryFiles: [.idx]
  folder: Directory
outputs:
  copied: {type: File, outputSource: copy/copied, secondaryFiles: [.idx]}
  tree: {type: Directory, outputSource: grow/tree}
  listed: {type: File, outputSource: list/listed}
  written: {type: File, outputSource: literal/file}
  same: {type: "File[]", outputSource: twins/same}
  given: {type: Directory, outputSource: folder}
  gathered: {type: Directory, outputSource: gather/gathered}
steps:
  copy:
    doc: Reads a file by its secondary file, and makes a pair of its own.
    in: {text: text}
    out: [copied]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'cat "$0.idx" "$0" > copied.txt; echo copied > copied.txt.idx']
      inputs:
        text: {type: File, secondaryFiles: [.idx], inputBinding: {}}
      outputs:
        copied: {type: File, secondaryFiles: [.idx], outputBinding: {glob: copied.txt}}
  grow:
    doc: Makes a folder with an empty folder, and with a file of a strange name.
    in: {folder: folder}
    out: [tree]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'mkdir -p tree/empty/deeper tree/full; cp "$0"/only.txt "tree/full/a b%20#ü.txt"']
      inputs: {folder: {type: Directory, inputBinding: {}}}
      outputs: {tree: {type: Directory, outputBinding: {glob: tree}}}
  list:
    doc: Sees the same tree that was made.
    in: {tree: grow/tree}
    out: [listed]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'cd "$0" && LC_ALL=C find . | LC_ALL=C sort']
      stdout: listed.txt
      inputs: {tree: {type: Directory, inputBinding: {}}}
      outputs: {listed: stdout}
  literal:
    in: {text: {default: "written\n"}}
    out: [file]
    run:
      class: ExpressionTool
      inputs: {text: string}
      outputs: {file: File}
      expression: '${ return {file: {class: "File", basename: "literal.txt", contents: inputs.text}}; }'
  twins:
    in: {}
    out: [same]
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'echo same > one.txt; echo same > two.txt; mkdir sub; echo same > sub/one.txt']
      inputs: []
      outputs: {same: {type: "File[]", outputBinding: {glob: [one.txt, two.txt, sub/one.txt]}}}
  gather:
    doc: A folder that is only a listing.
    in: {files: {source: [literal/file, copy/copied]}}
    out: [gathered]
    run:
      class: ExpressionTool
      inputs: {files: "File[]"}
      outputs: {gathered: Directory}
      expression: '${ return {gathered: {class: "Directory", basename: "gathered", listing: inputs.files}}; }'
