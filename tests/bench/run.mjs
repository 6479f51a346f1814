// Runs a WASI program under node: `node --no-liftoff run.mjs HOST::GUEST|- MODULE [ARGS…]`. The first argument is a grant, or
// `-` for none.
import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { WASI } from "node:wasi";

const [directory, path, ...args] = argv.slice(2);
const [host, guest] = directory.split("::");
const preopens = guest ? { [guest]: host } : {};
const wasi = new WASI({ version: "preview1", args: [path, ...args], preopens });
const module = await WebAssembly.compile(await readFile(path));
const started = process.hrtime.bigint();
const status = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
console.error(`call: ${Number(process.hrtime.bigint() - started) / 1e9} s`);
process.exitCode = status;
