cwlVersion: v1.2
class: Workflow
doc: A tool that changes its copy of an input in place; the original stays.
requirements: {StepInputExpressionRequirement: {}}
inputs:
  text: File
outputs:
  changed: {type: File, outputSource: change/changed}
  original: {type: File, outputSource: look/seen}
steps:
  change:
    in: {text: text}
    out: [changed]
    run:
      class: CommandLineTool
      requirements:
        InitialWorkDirRequirement:
          listing: [{entry: $(inputs.text), entryname: work.txt, writable: true}]
      baseCommand: [sh, -c, 'echo more >> work.txt']
      inputs: {text: File}
      outputs: {changed: {type: File, outputBinding: {glob: work.txt}}}
  look:
    in: {text: text, changed: change/changed}
    out: [seen]
    run:
      class: CommandLineTool
      baseCommand: cat
      stdout: seen.txt
      inputs: {text: {type: File, inputBinding: {}}, changed: File}
      outputs: {seen: stdout}
