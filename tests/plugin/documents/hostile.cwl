cwlVersion: v1.2
class: Workflow
label: <script>alert("label")</script>
doc: <img src=x onerror=alert("doc")>
inputs:
  "<img src=x onerror=alert(1)>":
    type: string
    label: '"><svg onload=alert("port")>'
    default: javascript:alert("default")
steps:
  "<b onclick=alert(1)>step":
    run:
      class: CommandLineTool
      label: "{{ 7 * 7 }}<script>alert('tool')</script>"
      baseCommand: [echo]
      inputs:
        text: {type: string, inputBinding: {}}
      outputs:
        text: stdout
    in: {text: "<img src=x onerror=alert(1)>"}
    out: [text]
outputs: []
