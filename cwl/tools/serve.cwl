cwlVersion: v1.0
class: CommandLineTool
id: serve
label: Serve a model
doc: Rolls a model out to its server, tries it, and goes back when it fails.
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
  cwltool: http://commonwl.org/cwltool#
baseCommand:
- mlcraft-step
- serve
inputs:
- id: model
  type: Directory
  label: Model
  doc: A fitted model.
  inputBinding:
    prefix: --model
- id: name
  type: string
  label: Name
  doc: What the deployment is called.
  inputBinding:
    prefix: --name
- id: target
  type: string
  label: Target
  doc: 'Where the server runs: local is a process on this machine.'
  default: local
  inputBinding:
    prefix: --target
- id: port
  type: int?
  label: Port
  doc: The server's port; a free one when left out.
  inputBinding:
    prefix: --port
- id: sample
  type: File?
  label: Sample
  doc: Rows to try the server with; the model's own example when left out.
  inputBinding:
    prefix: --sample
- id: state_folder
  type: string?
  label: State
  doc: Folder that remembers what is deployed.
  inputBinding:
    prefix: --state-folder
outputs:
- id: deployment
  type: File
  label: Deployment
  doc: Where the model answers, and what it said to the first rows.
  outputBinding:
    glob: deployment.json
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Serve
- class: cwltool:WorkReuse
  enableReuse: false
temporaryFailCodes:
- 75
