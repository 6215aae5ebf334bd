cwlVersion: v1.2
class: CommandLineTool
$namespaces:
  ex: https://example.org/formats#
$schemas:
- formats.ttl
baseCommand: cat
stdin: $(inputs.reads.path)
stdout: reads.txt
inputs:
  reads:
    type: File
    format: ex:text
outputs:
  copied: stdout
