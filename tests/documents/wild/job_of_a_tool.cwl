cwl:tool: steps_without_inputs.cwl
word: hello
