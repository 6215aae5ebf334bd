cwlVersion: v1.0
class: CommandLineTool
id: approve
label: Approve a model
doc: Under Airflow, asks a person whether the model may be the champion; elsewhere it passes the model on.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
  cwltool: http://commonwl.org/cwltool#
baseCommand:
- mlcraft-step
- approve
inputs:
- id: candidate
  type: Directory
  label: Candidate
  doc: The model in question.
  inputBinding:
    prefix: --model
- id: report
  type: File?
  label: Report
  doc: What the decision can be based on, in Markdown.
  inputBinding:
    prefix: --report
outputs:
- id: model
  type: Directory
  label: Model
  doc: The approved model.
  outputBinding:
    glob: model
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Approve
- class: cwltool:WorkReuse
  enableReuse: false
temporaryFailCodes:
- 75
