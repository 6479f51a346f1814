// Runs all modules of a directory, which `emit.rs` wrote, and prints a line for each: the name of the file, and what each step
// gave, in the words of `record.rs`. Usage: node node.mjs DIRECTORY FUEL.
import { readdirSync, readFileSync } from 'node:fs';

const [directory, fuel] = process.argv.slice(2);
const payloads = { e0: ['i32'], e1: ['i64', 'f64'], e2: [], e3: ['i64', 'i64', 'i32'] };
const traps = [
  ['unreachable', 'unreachable'],
  ['divide by zero', 'integer divide by zero'],
  ['memory access out of bounds', 'out of bounds memory access'],
];

function text(type, value) {
  if (type !== 'f64') return ` ${type}:${value}`;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return ` f64:0x${view.getBigUint64(0).toString(16)}`;
}

function end(exports, call) {
  exports.fuel.value = Number(fuel);
  try {
    return 'values' + text('i64', call());
  } catch (error) {
    if (error instanceof RangeError) return 'limit';
    if (error instanceof WebAssembly.Exception) {
      for (const [name, types] of Object.entries(payloads)) {
        if (!error.is(exports[name])) continue;
        return `exception ${name}` + types.map((type, at) => text(type, error.getArg(exports[name], at))).join('');
      }
    }
    const trap = error instanceof WebAssembly.RuntimeError && traps.find(([message]) => error.message.includes(message));
    return trap ? `trap ${trap[1]}` : `wrong ${error}`;
  }
}

const lines = [];
for (const name of readdirSync(directory)) {
  if (!name.endsWith('.wasm')) continue;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(`${directory}/${name}`)));
    const ends = [];
    for (const args of [[1n, 2n], [-5n, 1n << 40n], [1000003n, 0n]]) {
      ends.push(end(exports, () => exports.run(...args)), end(exports, () => exports.hash()));
    }
    ends.push('values' + text('i64', exports.trace.value));
    lines.push(`${name}|values|${ends.join('|')}`);
  } catch (error) {
    lines.push(`${name}|wrong ${error}`);
  }
}
console.log(lines.join('\n'));
