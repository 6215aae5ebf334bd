/** The text of a new document. */

export function emptyWorkflow(path: string, composer: boolean): string {
  return `cwlVersion: ${composer ? "v1.0" : "v1.2"}
class: Workflow
id: ${idOf(path)}
label: ${labelOf(path)}
$namespaces:
  sbg: https://www.sevenbridges.com/
  mlcraft: https://mlcraft.dev/cwl#
inputs: []
outputs: []
steps: []
`;
}

export function emptyTool(path: string, composer: boolean): string {
  return `cwlVersion: ${composer ? "v1.0" : "v1.2"}
class: CommandLineTool
id: ${idOf(path)}
label: ${labelOf(path)}
$namespaces:
  mlcraft: https://mlcraft.dev/cwl#
baseCommand: [echo]
inputs:
- id: message
  type: string
  default: Hello
  inputBinding:
    position: 1
outputs:
- id: text
  type: stdout
stdout: text.txt
`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.\w+$/, "");
}

function idOf(path: string): string {
  return (
    nameOf(path)
      .replace(/\W+/g, "_")
      .replace(/^(?=\d)/, "_") || "document"
  );
}

function labelOf(path: string): string {
  const words = nameOf(path).replace(/[_-]+/g, " ").trim();
  return JSON.stringify(words.charAt(0).toUpperCase() + words.slice(1)).replace(/^"([\w ]+)"$/, "$1");
}
