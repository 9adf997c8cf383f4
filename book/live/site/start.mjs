// Starts Pyodide for the notebooks' kernel. Python looks for modules in its own folders first, and only then where the notebook is:
// that folder is the reader's browser's storage, and each look there costs a request; at the start, a hundred of them.
import { loadPyodide as load } from "./pyodide.mjs";

export async function loadPyodide(options) {
  const python = await load(options);
  python.runPython("import sys; sys.path.sort(key=lambda folder: folder == '')");
  return python;
}
