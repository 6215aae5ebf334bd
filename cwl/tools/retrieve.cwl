cwlVersion: v1.0
class: CommandLineTool
id: retrieve
label: Retrieve data
doc: 'Brings a data set here: from the web, a bucket, a database, files, or scikit-learn''s own.'
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
  cwltool: http://commonwl.org/cwltool#
baseCommand:
- mlcraft-step
- retrieve
inputs:
- id: source
  type: string?
  label: Source
  doc: An address (https://, s3:// or another that fsspec knows), a path or pattern, sklearn:NAME, or sql.
  inputBinding:
    prefix: --source
- id: sources
  type: string[]?
  label: Sources
  doc: Several of them instead; their rows are put together.
  inputBinding:
    prefix: --sources
- id: files
  type: File[]?
  label: Files
  doc: Files to take instead of an address; several are put together.
  inputBinding:
    prefix: --file
- id: query
  type: string?
  label: Query
  doc: What to ask a database.
  inputBinding:
    prefix: --query
- id: connection
  type: string?
  label: Connection
  doc: The name of the connection that opens the source.
  inputBinding:
    prefix: --connection
- id: key_env
  type: string?
  label: Key variable
  doc: The environment variable that has the API key. The key itself is never written down.
  inputBinding:
    prefix: --key-env
- id: key_header
  type: string?
  label: Key header
  doc: The header that carries the API key.
  inputBinding:
    prefix: --key-header
- id: format
  type: string
  label: Format
  doc: csv, json, jsonl, parquet or text; auto looks into the data.
  default: auto
  inputBinding:
    prefix: --format
- id: checksum
  type: string?
  label: Checksum
  doc: What the data must hash to, as sha256:… or md5:…
  inputBinding:
    prefix: --checksum
- id: name
  type: string?
  label: Name
  doc: What to call the data set.
  inputBinding:
    prefix: --name
- id: code
  type: File?
  label: Code
  doc: A Python file with a function retrieve(sources, fetch).
  inputBinding:
    prefix: --code
outputs:
- id: data
  type: File
  label: Data
  doc: The data as they came.
  outputBinding:
    glob: data.*
- id: profile
  type: File
  label: Profile
  doc: Rows, columns, types, ranges.
  outputBinding:
    glob: profile.json
- id: record
  type: File
  label: Record
  doc: 'What the step has to say for the run''s page: parameters, metrics, data sets.'
  outputBinding:
    glob: record.json
hints:
- class: mlcraft:Retrieve
- class: cwltool:WorkReuse
  enableReuse: false
temporaryFailCodes:
- 75
