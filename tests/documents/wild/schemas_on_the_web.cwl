cwlVersion: v1.2
class: CommandLineTool
$namespaces:
  s: https://schema.example/
  edam: http://edam.example/
$schemas:
- https://schema.example/version/latest/schema.rdf
- http://edam.example/EDAM.owl
- not/there.ttl
s:author:
- class: s:Person
  s:name: Somebody
s:license: https://spdx.example/licenses/MIT
baseCommand: cat
inputs:
  text: {type: File, format: edam:format_1964, inputBinding: {}}
outputs:
  copy: {type: stdout, format: edam:format_1964}
