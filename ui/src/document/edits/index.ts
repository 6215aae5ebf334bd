/** Edits of a workflow, as changes of its document. What depends on what is changed follows. */
export { addInput, addOutput, addStep, idsOf } from "./adding";
export { connect, likeOf } from "./connecting";
export { type Clip, copy } from "./copying";
export { disconnect } from "./disconnecting";
export { addInputFor, addOutputFor } from "./ends";
export { itemOfKey, setFields } from "./fields";
export { hintFields, removeHint, setHint } from "./hints";
export { type Where, setLinkFields, setOutputFields } from "./links";
export { paste } from "./pasting";
export { move } from "./places";
export { remove } from "./removing";
export { rename } from "./renaming";
export { setScatter, setWhen } from "./steps";
export { typeValue } from "./type_value";
