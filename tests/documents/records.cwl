cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
  SchemaDefRequirement:
    types:
    - name: person
      type: record
      fields:
        name: string
        age: int?
        photo: File?
    - name: colour
      type: enum
      symbols: [red, green]
baseCommand: cat
arguments: ["$(inputs.friend.photo ? inputs.friend.photo.path : '/dev/null')"]
stdout: $(inputs.friend.name).txt
inputs:
  friend: "#person"
  likes: "#colour"
  numbers: int[]?
  anything: Any?
outputs:
  shown: stdout
