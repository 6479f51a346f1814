// Calls the export `throw` of a module: `node throw.mjs MODULE N`. Prints its result and the seconds that it took.
import { readFile } from "node:fs/promises";
import { argv } from "node:process";

const [path, count] = argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(path));
instance.exports.throw(1000);
const started = process.hrtime.bigint();
const result = instance.exports.throw(Number(count));
console.log(result, Number(process.hrtime.bigint() - started) / 1e9);
